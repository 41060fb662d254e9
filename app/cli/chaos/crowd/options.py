"""What the commands of crowds have in common: where they run, on which cores, and how they end."""

from __future__ import annotations

import logging
import secrets
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from app.cli.chaos.checker import Finding
    from app.cli.chaos.crowd.cores import Cores

WIDTH = 120
"""Characters of a table that goes to a file."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a command runs; `keep` when its data stay even if all was well."""

    base: Path
    seed: int
    cores: Cores
    keep: bool

    def directory(self, name: str) -> Path:
        return self.base / name.replace(" ", "-")


def prepare(directory: Path | None, seed: int | None, *, keep: bool) -> Ground:
    """Make the directory, draw the seed, and silence what would tell of each death and each refusal."""
    import structlog  # noqa: PLC0415 - `slipstream --help` stays quick.

    from app.cli.chaos.crowd.cores import two_cores  # noqa: PLC0415

    logging.disable(logging.ERROR)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    base = directory or Path(tempfile.mkdtemp(prefix="slipstream-chaos-"))
    base.mkdir(parents=True, exist_ok=True)
    base.chmod(0o755)  # The engines' own user must be able to enter it.
    ground = Ground(base, secrets.randbelow(2**32) if seed is None else seed, two_cores(), keep)
    cores = ", ".join(str(core) for core in sorted(ground.cores.platform))
    where = f"the platform on core {cores}, the load on another" if ground.cores.apart else "all on one core"
    click.echo(f"seed {ground.seed}, in {base}; {where}", err=True)
    return ground


def show(table: Table) -> None:
    """Print a table, in full width when it goes to a file."""
    from rich.console import Console  # noqa: PLC0415 - `slipstream --help` stays quick.

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    console.print(table)


def conclude(ground: Ground, findings: Sequence[tuple[str, Finding]]) -> None:
    """Say what was found, remove the data of a green run, and exit with status 1 after a red one."""
    for where, finding in findings:
        click.echo(f"✗ {where}: {finding}")
    if findings:
        click.echo(f"RED. Logs and data are kept in {ground.base}; the same again: --seed {ground.seed}", err=True)
        sys.exit(1)
    if not ground.keep:
        shutil.rmtree(ground.base)
