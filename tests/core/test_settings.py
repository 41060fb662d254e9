from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.core.settings import Settings, SettingsError, hand_down, load_settings

if TYPE_CHECKING:
    from pathlib import Path

NEEDED = {
    "SLIPSTREAM_DATABASE_URL": "postgresql://localhost/slipstream",
    "SLIPSTREAM_REDIS_URL": "redis://localhost:6379/0",
}


def problems_of(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load_settings(environ)
    return raised.value.problems


def test_two_addresses_are_enough_to_start() -> None:
    settings = load_settings(NEEDED)

    assert settings.port == 8080
    assert settings.cache == "redis://localhost:6379/0"


def test_all_problems_are_reported_together() -> None:
    problems = problems_of({"SLIPSTREAM_PORT": "http", "SLIPSTREAM_TIMEZONE": "Mars/Olympus", "SLIPSTREAM_PRT": "1"})

    assert [problem.split()[0] for problem in problems] == [
        "SLIPSTREAM_DATABASE_URL",
        "SLIPSTREAM_REDIS_URL",
        "SLIPSTREAM_TIMEZONE",
        "SLIPSTREAM_PORT",
        "SLIPSTREAM_PRT",
    ]


def test_what_is_needed_to_tell_somebody_is_asked_for_together_with_all_else() -> None:
    told = {"SLIPSTREAM_NOTIFY_PAGE": "mailto:mia@example.org", "SLIPSTREAM_PORT": "http"}

    assert [problem.split()[0] for problem in problems_of(NEEDED | told)] == ["SLIPSTREAM_PORT", "SLIPSTREAM_SMTP_URL"]
    wrong = problems_of(NEEDED | told | {"SLIPSTREAM_SMTP_URL": "ftp://mail.example.org"})
    assert [problem.split()[0] for problem in wrong] == ["SLIPSTREAM_PORT", "SLIPSTREAM_SMTP_URL"]


def test_a_secret_never_appears_in_a_problem() -> None:
    problems = problems_of(NEEDED | {"SLIPSTREAM_ADMIN_TOKEN": "hunter2", "SLIPSTREAM_CACHE_URL": "http://:hunter2@x"})

    assert len(problems) == 2
    assert "hunter2" not in " ".join(problems)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "8080.5"),
        ("PORT", "²"),
        ("PREPARED_STATEMENTS", "maybe"),
        ("LOG_LEVEL", "loud"),
        ("BASE_URL", "ftp://example.org"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("CIRCUIT_BAD_PERCENT", "101"),
        ("TIMEZONE", "../../etc/passwd"),
        ("API_PROCESSES", "0"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: str) -> None:
    (problem,) = problems_of(NEEDED | {f"SLIPSTREAM_{name}": value})

    assert problem.startswith(f"SLIPSTREAM_{name} must be ")
    assert repr(value) in problem


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load_settings(NEEDED | {"SLIPSTREAM_PORT": ""}).port == 8080


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-token-of-some-length\n")

    settings = load_settings(NEEDED | {"SLIPSTREAM_ADMIN_TOKEN_FILE": str(tmp_path / "token")})

    assert settings.admin_token == "a-token-of-some-length"


def test_a_setting_given_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-token-of-some-length")

    (problem,) = problems_of(
        NEEDED
        | {"SLIPSTREAM_ADMIN_TOKEN_FILE": str(tmp_path / "token"), "SLIPSTREAM_ADMIN_TOKEN": "another-token-of-length"}
    )

    assert "both set" in problem


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "slipstream.env"
    file.write_text("# addresses\nSLIPSTREAM_PORT=9000\nSLIPSTREAM_HOST=0.0.0.0\n")

    settings = load_settings(NEEDED | {"SLIPSTREAM_ENV_FILE": str(file), "SLIPSTREAM_PORT": "9001"})

    assert (settings.host, settings.port) == ("0.0.0.0", 9001)  # noqa: S104 - a value read back, nothing listens


def test_a_line_that_is_no_setting_is_named_with_its_number(tmp_path: Path) -> None:
    file = tmp_path / "slipstream.env"
    file.write_text("SLIPSTREAM_PORT=9000\nexport PORT 80\n")

    (problem,) = problems_of(NEEDED | {"SLIPSTREAM_ENV_FILE": str(file)})

    assert "line 2" in problem


def test_settings_cannot_be_changed_after_the_start() -> None:
    settings = load_settings(NEEDED)

    with pytest.raises(AttributeError):
        settings.port = 1  # type: ignore[misc] - the point of the test
    assert isinstance(settings, Settings)


def test_children_find_the_settings_of_their_parent(settings: Settings) -> None:
    environ = {"SLIPSTREAM_ENV_FILE": "/nowhere", "SLIPSTREAM_DATABASE_URL_FILE": "/nowhere", "PATH": "/bin"}

    hand_down(settings, environ)

    assert load_settings(environ) == settings
    assert environ["PATH"] == "/bin"
