"""`slipstream rules export` of the SLOs in force."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from click.testing import CliRunner

from app.cli.main import main
from app.slo_composition import apply_shipped

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from app.core.settings import Settings


def export(settings: Settings, directory: Path) -> Result:
    environment = {"SLIPSTREAM_DATABASE_URL": settings.database_url, "SLIPSTREAM_REDIS_URL": settings.redis_url}
    return CliRunner().invoke(main, ["rules", "export", str(directory)], env=environment)


def test_the_slos_in_force_are_exported(settings: Settings, tmp_path: Path) -> None:
    nothing = export(settings, tmp_path)
    shipped = apply_shipped(settings.database_url, datetime.now(UTC))
    everything = export(settings, tmp_path)

    assert (nothing.exit_code, nothing.stdout) == (0, f"0 SLOs in {tmp_path}\n")
    assert everything.exit_code == 0, everything.output
    assert everything.stdout == f"{len(shipped)} SLOs in {tmp_path}\n" or "not exported" in everything.output
    assert "slipstream-slo-availability" in (tmp_path / "slipstream.recording.rules.yaml").read_text()
