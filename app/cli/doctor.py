"""`slipstream doctor`: check every setting that the promises rest on."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from app.cli.options import json_option, print_json, with_settings

if TYPE_CHECKING:
    from app.core.findings import Finding
    from app.core.settings import Settings

_SIZES = frozenset({"maxmemory", "auto-aof-rewrite-min-size"})
"""What Valkey says in bytes."""
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command("doctor")
@json_option
@with_settings
def command(*, as_json: bool, settings: Settings) -> None:
    """Check every setting that the promises rest on: what was found, why it matters, what to do.

    Exit status 1 when a promise would break, such as with a queue that evicts or lives in memory only.
    """
    from app.cli.backup.checks import check_backup  # noqa: PLC0415 - `slipstream --help` stays quick.
    from app.core.doctor import examine  # noqa: PLC0415
    from app.core.findings import has_failed  # noqa: PLC0415
    from reporting.reports.render_checks import check_rendering  # noqa: PLC0415

    findings = [*examine(settings), *check_backup(settings), *check_rendering()]
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        _print(findings)
    if has_failed(findings):
        raise SystemExit(1)


def _print(findings: list[Finding]) -> None:
    widths = [max(len(text) for text in column) for column in zip(*map(_head, findings), strict=True)]
    for finding in findings:
        subject, name = (text.ljust(width) for text, width in zip(_head(finding), widths, strict=True))
        state = click.style(finding.state.ljust(4), fg=_COLOURS[finding.state], bold=True)
        click.echo(f"{state}  {subject}  {name}  {_found(finding)}")
        if finding.remedy:
            click.echo(f"      {finding.reason}")
            click.echo(f"      {click.style(finding.remedy, bold=True)}")
    counts = {state: sum(finding.state == state for finding in findings) for state in _COLOURS}
    click.echo(f"\n{counts['ok']} ok, {counts['warn']} doubtful, {counts['fail']} failed")


def _found(finding: Finding) -> str:
    """Return what was found; a size as people say it, where a machine gets the bytes."""
    if finding.name not in _SIZES or not finding.found.isdigit():
        return finding.found
    size = float(finding.found)
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:  # noqa: PLR2004 (the step of binary units)
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} GiB"


def _head(finding: Finding) -> tuple[str, str]:
    return finding.subject, finding.name
