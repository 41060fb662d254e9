"""`slipstream`: one command, with a verb for each thing to do. A verb's module is loaded when the verb is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

import click


@dataclass(frozen=True, slots=True)
class _Verb:
    """Where a verb's click command is (`module:name`), and what it does in a few words."""

    place: str
    about: str


VERBS = {
    "accounts": _Verb("app.cli.accounts:accounts", "Create, list and change accounts."),
    "bench": _Verb("app.cli.bench.command:bench", "Measure throughput, latency and CPU an event."),
    "chaos": _Verb("app.cli.chaos.command:chaos", "Break things under load and check every promise."),
    "demo": _Verb("app.cli.demo.command:demo", "Send a month of real flights, kill a worker, lose nothing."),
    "dlq": _Verb("app.cli.dlq:dlq", "List, replay and purge dead letters."),
    "doctor": _Verb("app.cli.doctor:doctor", "Check every setting that the promises rest on."),
    "events": _Verb("app.cli.events:events", "Send events from a file."),
    "keys": _Verb("app.cli.keys:keys", "Create, list and revoke API keys."),
    "migrate": _Verb("app.cli.migrate:migrate", "Bring the schema to this version."),
    "serve": _Verb("app.cli.serve:serve", "Run the API."),
    "up": _Verb("app.cli.up:up", "Run everything on this machine, on embedded engines."),
    "worker": _Verb("app.cli.worker:worker", "Run a worker."),
}


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


@click.command(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="slipstream")
def main() -> None:
    """Take in events, store each exactly once, and say whether the promises are kept.

    Results are on stdout, logs on stderr. Exit status: 0 done, 1 failed, 2 wrong usage or settings.
    """


if __name__ == "__main__":
    main()
