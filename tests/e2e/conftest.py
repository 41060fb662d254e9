"""The whole platform as real processes, as chaos runs it, only smaller."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.cli.chaos.catalogue import failpoints_armed
from app.cli.chaos.load import Account, LoadOptions
from app.cli.chaos.runner import ACCOUNTS, RunOptions, Stage, start_platform
from app.embedded.tuning import Profile
from app.platform import PlatformOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SETTINGS = {"SLIPSTREAM_RECLAIM_AFTER_S": "1", "SLIPSTREAM_API_THREADS": "16"}
HERE = Path(__file__).parent
LOAD = LoadOptions(clients=2, sizes=(1, 10, 50), pause_s=0.03)


@contextmanager
def _running(settings: Mapping[str, str], request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A platform with accounts and armed failpoints; its directory is kept when a test has failed on it."""
    failed_before = request.session.testsfailed
    directory = Path(tempfile.mkdtemp(prefix="slipstream-e2e-"))
    directory.chmod(0o755)  # The engines' own user must be able to enter it.
    markers = directory / "markers"
    markers.mkdir()
    options = PlatformOptions(workers=2, profile=Profile.TEST, lived_s=0.0, settings=SETTINGS)
    more = {"SLIPSTREAM_FAILPOINTS": failpoints_armed(markers), **settings}
    with start_platform(directory, options, more) as platform:
        accounts = [Account(name, platform.create_account(name, tier=tier)) for name, tier in ACCOUNTS.items()]
        yield Stage(platform, accounts, directory)
    if request.session.testsfailed > failed_before:
        print(f"history, logs and data are kept in {directory}")  # noqa: T201 - pytest shows it.
    else:
        shutil.rmtree(directory)


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """One platform for all tests of a module, which one pytest process must run."""
    with _running({}, request) as running:
        yield running


@pytest.fixture
def changed(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A platform of the test's own; its parameter is variables of the environment, which change it from within."""
    with _running(request.param, request) as running:
        yield running


@pytest.fixture
def twice() -> RunOptions:
    return RunOptions(times=2, seed=2, load=LOAD)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: whoever runs them last would leave the other process without work."""
    items.sort(key=lambda item: not item.path.is_relative_to(HERE))
