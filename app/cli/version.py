"""Which Slipstream this is."""

from __future__ import annotations

import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]


def this_version() -> str:
    """The commit of a checkout, with `+` when something was changed since; else the version of the package."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return version("slipstream")
    return _output(git, "rev-parse", "--short=10", "HEAD") + ("+" if _output(git, "status", "--porcelain") else "")


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
