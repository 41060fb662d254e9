"""`slipstream`: one command, with a verb for each thing to do. A verb's module is loaded when the verb is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from app.core.errors import DependencyError
from app.core.problems import Problem, ProblemType
from app.core.settings import SettingsError
from app.embedded.binaries import EmbeddedError
from app.process import ProcessFailedError


@dataclass(frozen=True, slots=True)
class Verb:
    """Where a verb's click command is (`module:name`), and what it does in a few words."""

    place: str
    about: str


VERBS = {
    "accounts": Verb("app.cli.accounts:group", "Create, list, change and erase accounts."),
    "alerts": Verb("app.cli.alerts:group", "Try whether those who are to be told can be."),
    "backup": Verb("app.cli.backup.command:take", "Write everything that is stored and queued into a directory."),
    "bench": Verb("app.cli.bench.command:command", "Measure throughput, latency and CPU an event."),
    "chaos": Verb("app.cli.chaos.command:command", "Break things under load and check every promise."),
    "dashboards": Verb("app.cli.dashboards:group", "Write dashboards for Grafana."),
    "demo": Verb("app.cli.demo.command:command", "Send a month of real flights, kill a worker, lose nothing."),
    "dlq": Verb("app.cli.dlq:group", "List, replay and purge dead letters."),
    "doctor": Verb("app.cli.doctor:command", "Check every setting that the promises rest on."),
    "erasures": Verb("app.cli.erasures:group", "List erased accounts, and erase them again after a restore."),
    "events": Verb("app.cli.events:group", "Send events from a file."),
    "keys": Verb("app.cli.keys:group", "Create, list and revoke API keys."),
    "migrate": Verb("app.cli.migrate:command", "Bring the schema to this version."),
    "restore": Verb("app.cli.backup.command:bring_back", "Bring a backup back into empty stores, and compare."),
    "report": Verb("app.cli.report.command:group", "Write, send and subscribe to reports of weeks and months."),
    "rules": Verb("app.cli.rules:group", "Write rules for Prometheus and Alertmanager."),
    "serve": Verb("app.cli.serve:command", "Run the API."),
    "telemetry": Verb("app.cli.telemetry:group", "Import access logs and other telemetry."),
    "slo": Verb("app.cli.slo:group", "Check, apply, show and replay SLOs."),
    "status": Verb("app.cli.status:group", "Write the public status page to disk."),
    "up": Verb("app.cli.up:command", "Run everything on this machine, on embedded engines."),
    "users": Verb("app.cli.users:group", "Create, list and change people who sign in."),
    "worker": Verb("app.cli.worker:command", "Run a worker."),
}


class _WrongUsageError(click.ClickException):
    """What was given, or set, cannot be used."""

    exit_code = 2


class _Verbs(click.Group):
    """Knows its verbs without importing them, so that help and completion are quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        module, _, name = verb.place.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, VERBS[name].about) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        """Say in a sentence what the operator can mend; only our own mistakes show a traceback."""
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise _WrongUsageError(str(error)) from error
        except (DependencyError, EmbeddedError, ProcessFailedError) as error:
            raise click.ClickException(str(error)) from error
        except Problem as problem:
            text = "\n".join([problem.detail, *(f"{error.field} {error.detail}" for error in problem.errors)])
            kind = _WrongUsageError if problem.type is ProblemType.INVALID_REQUEST else click.ClickException
            raise kind(text) from problem


@click.command(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="slipstream")
def main() -> None:
    """Take in events, store each exactly once, and say whether the promises are kept.

    Results are on stdout, logs on stderr. Exit status: 0 done, 1 failed, 2 wrong usage or settings.
    """


if __name__ == "__main__":
    main()
