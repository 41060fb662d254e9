from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.cli.up import given_settings
from app.core.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def test_settings_come_from_the_environment_and_beneath_it_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_text("SLIPSTREAM_BASE_URL=https://slip.example.org\nSLIPSTREAM_TIMEZONE=Europe/Berlin\n")

    given = given_settings({"SLIPSTREAM_ENV_FILE": str(file), "SLIPSTREAM_TIMEZONE": "UTC", "HOME": "/root"})

    assert given == {"SLIPSTREAM_BASE_URL": "https://slip.example.org", "SLIPSTREAM_TIMEZONE": "UTC"}


def test_what_the_instance_makes_itself_is_taken_from_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_text("SLIPSTREAM_DATABASE_URL=postgresql://elsewhere\nSLIPSTREAM_ADMIN_TOKEN=one-of-some-other-place\n")
    others = {"SLIPSTREAM_PORT": "1", "SLIPSTREAM_HOST": "::1", "SLIPSTREAM_REDIS_URL_FILE": "/nowhere"}

    assert given_settings({"SLIPSTREAM_ENV_FILE": str(file), **others}) == {}


def test_a_place_that_a_file_names_is_given_by_its_value(tmp_path: Path) -> None:
    file = tmp_path / "base-url"
    file.write_text("https://slip.example.org\n")

    given = given_settings({"SLIPSTREAM_BASE_URL_FILE": str(file), "SLIPSTREAM_STATUS_DIRECTORY": ""})

    assert given == {"SLIPSTREAM_BASE_URL": "https://slip.example.org"}


def test_a_file_that_cannot_be_read_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SLIPSTREAM_ENV_FILE cannot be read"):
        given_settings({"SLIPSTREAM_ENV_FILE": str(tmp_path / "nothing")})
