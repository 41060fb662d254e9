"""Settings from the environment, checked together before anything starts.

`SLIPSTREAM_NAME` is a setting, `SLIPSTREAM_NAME_FILE` names a file that holds it (for secrets), and
`SLIPSTREAM_ENV_FILE` names a file of `NAME=value` lines that the environment overrides.
"""

from __future__ import annotations

import os
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app.core import setting_values as v
from app.core.environment import raw_value, with_file
from app.core.notify.routes import needed_by

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

PREFIX = "SLIPSTREAM_"


class SettingsError(Exception):
    """One or more settings cannot be used; `problems` holds a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _setting(parse: Callable[[str], Any], about: str, default: Any = MISSING, *, secret: bool = False) -> Any:
    metadata = {"parse": parse, "about": about, "secret": secret}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator can set. Units are in the names: `_ms`, `_s`, `_bytes`, `_days`."""

    database_url: str = _setting(v.postgresql, "PostgreSQL that holds everything.", secret=True)
    redis_url: str = _setting(
        v.valkey, "Valkey or Redis, or any node of a cluster: append-only, never evicting.", secret=True
    )
    database_replica_url: str | None = _setting(v.postgresql, "A read replica for large accounts.", None, secret=True)
    cache_url: str | None = _setting(
        v.valkey, "Valkey for caches; may evict. Default: the same as REDIS_URL.", None, secret=True
    )
    admin_token: str | None = _setting(
        v.secret, "Bearer token of the operator, at least 16 characters.", None, secret=True
    )
    oidc_issuer: str | None = _setting(
        v.address("http", "https"), "Where people of your organisation sign in (OpenID Connect).", None
    )
    oidc_client_id: str | None = _setting(v.text, "What this installation is called there.", None)
    oidc_client_secret: str | None = _setting(v.text, "What it proves itself by.", None, secret=True)
    oidc_role_claim: str = _setting(v.text, "Claim that says which groups somebody is in.", "groups")
    oidc_roles: str = _setting(
        v.role_mapping,
        "Which group has which role here, `sre=oncall,platform=admin`; `*=viewer` is for everybody else.",
        "",
    )
    base_url: str = _setting(
        v.address("http", "https"), "Where users reach this installation.", "http://127.0.0.1:8080"
    )
    timezone: str = _setting(v.zone, "IANA time zone of reports and pages.", "UTC")
    run_directory: str | None = _setting(
        v.text,
        "Local directory where processes note what they have counted and not yet stored. Default: one for each user and database, in the temporary directory.",
        None,
    )
    environment: str = _setting(v.text, "A name that logs carry.", "production")
    log_level: str = _setting(
        v.choice("debug", "info", "warning", "error"), "Least severe line that is logged.", "info"
    )
    log_format: str = _setting(v.choice("json", "console"), "`json` for machines, `console` for people.", "json")
    host: str = _setting(v.text, "Address on which the API listens.", "127.0.0.1")
    port: int = _setting(v.integer(0, 65_535), "Port of the API.", 8080)
    api_processes: int | None = _setting(
        v.integer(1, 64), "Processes of the API. Default: one for two processors, at least one.", None
    )
    api_threads: int = _setting(v.integer(1, 4_096), "Blocking threads in each API process.", 256)
    worker_concurrency: int = _setting(v.integer(1, 64), "Bundles that one worker process stores at once.", 2)
    worker_host: str = _setting(v.text, "Address on which a worker answers probes and metrics.", "127.0.0.1")
    worker_port: int = _setting(
        v.integer(0, 65_535), "Port on which a worker answers probes and metrics; 0 is any free one.", 0
    )
    prepared_statements: bool = _setting(v.boolean, "Off behind a PgBouncer older than 1.21 in transaction mode.", True)
    api_pool_size: int = _setting(
        v.integer(1, 200), "PostgreSQL connections of each API process, for all but summaries.", 5
    )
    summary_pool_size: int = _setting(
        v.integer(1, 200), "PostgreSQL connections of each API process for summaries of small accounts.", 3
    )
    large_summary_pool_size: int = _setting(
        v.integer(1, 200),
        "PostgreSQL connections of each API process for summaries of large accounts, and as many to the replica.",
        2,
    )
    large_account_events: int = _setting(
        v.integer(1, 10**15), "Stored events from which an account is large.", 10_000_000
    )
    replica_max_lag_s: int = _setting(v.integer(1, 3_600), "A replica that is further behind is not read from.", 10)
    request_deadline_ms: int = _setting(v.integer(100, 60_000), "Time within which every request is answered.", 5_000)
    valkey_timeout_ms: int = _setting(v.integer(50, 30_000), "Longest wait for one answer of Valkey.", 1_000)
    statement_timeout_ms: int = _setting(v.integer(50, 60_000), "Longest statement of a request.", 3_000)
    store_timeout_ms: int = _setting(v.integer(1_000, 600_000), "Longest statement of a worker.", 30_000)
    body_timeout_s: int = _setting(v.integer(1, 300), "Time within which a request's body must have arrived.", 20)
    event_retention_days: int = _setting(v.integer(1, 36_500), "Events older than this are refused, and deleted.", 400)
    minute_retention_days: int = _setting(
        v.integer(32, 36_500),
        "Counts of SLOs are kept by the minute for so long, then by the quarter of an hour. Have it longer than the longest window of an SLO: beyond it a rolling window begins at a quarter of an hour, and slices are refused.",
        35,
    )
    quarter_retention_days: int = _setting(
        v.integer(32, 36_500),
        "Counts are kept by the quarter of an hour for so long; after that by the day, for good.",
        800,
    )
    rule_retention_days: int = _setting(
        v.integer(0, 36_500),
        "What an SLO over events has counted is kept for so long after its filter was changed or it was removed, for reports on that time.",
        100,
    )
    failed_request_retention_days: int = _setting(
        v.integer(1, 36_500), "Single failed requests (5xx) older than this are deleted; what is counted stays.", 90
    )
    report_retention_days: int = _setting(
        v.integer(1, 36_500), "Reports ordered longer ago than this are deleted from the archive.", 1_100
    )
    queue_max_bytes: int = _setting(
        v.integer(1_000_000, 10**13),
        "Bytes of accepted bodies that may wait in Valkey. From 70 % on, requests of the lowest tier are refused first.",
        512_000_000,
    )
    queue_max_age_s: int = _setting(
        v.integer(60, 30 * 86_400),
        "Time that an accepted batch may wait to be stored; from 70 % of it on, the lowest tier is refused first. Have it longer than PostgreSQL is ever away.",
        14_400,
    )
    circuit_window_s: int = _setting(
        v.integer(10, 3_600), "Time over which an account's bad batches are counted by its circuit breaker.", 60
    )
    circuit_minimum: int = _setting(v.integer(1, 100_000), "Batches in that time before a circuit opens.", 20)
    circuit_bad_percent: int = _setting(v.integer(1, 100), "Share of bad ones among them that opens it.", 50)
    circuit_open_s: int = _setting(v.integer(1, 3_600), "Time for which it is open; then it asks with one probe.", 30)
    circuit_probe_s: int = _setting(v.integer(1, 600), "Time that a probe may take before there is another.", 10)
    circuit_successes: int = _setting(v.integer(1, 1_000), "Good probes that close it.", 3)
    strangers_per_second: int = _setting(
        v.integer(0, 1_000_000),
        "Requests a second that one API process takes from callers whose key it has not lately seen to be valid. One with an invalid key counts as eleven. 0: no limit.",
        2_000,
    )
    strangers_per_address: int = _setting(
        v.integer(0, 1_000_000),
        "The same from one address. Not held for this machine, nor for a proxy in a private network that TRUSTED_PROXIES does not name: they may ask for many. 0: no limit.",
        20,
    )
    trusted_proxies: str | None = _setting(
        v.networks, "Your own proxies, `10.0.0.0/8,192.0.2.7`: their `X-Forwarded-For` says who asks.", None
    )
    bundle_max_events: int = _setting(v.integer(1, 100_000), "Events that a worker stores in one transaction.", 5_000)
    bundle_max_bytes: int = _setting(
        v.integer(65_536, 10**9), "Bytes of bodies that a worker takes at once.", 16_000_000
    )
    reclaim_after_s: int = _setting(v.integer(1, 600), "A silent worker's work is taken over after this.", 15)
    summary_fresh_s: int = _setting(
        v.integer(0, 3_600), "A cached summary is served without a refresh for this long.", 5
    )
    large_summary_fresh_s: int = _setting(v.integer(0, 86_400), "The same for a large account.", 30)
    summary_stale_s: int = _setting(
        v.integer(0, 86_400), "A cached summary may be served for this long while PostgreSQL is away.", 3_600
    )
    status_publish: str = _setting(
        v.choice("never", "page", "always"),
        "Which incidents of alerts the public status page shows by themselves: none, those that page, or all. Others are drafts until somebody publishes them.",
        "never",
    )
    status_services: str | None = _setting(
        v.text, "Services on the status page, with commas. Default: all that no account owns.", None
    )
    status_fresh_s: int = _setting(v.integer(1, 3_600), "After this the status page is made again.", 15)
    status_directory: str | None = _setting(
        v.text, "Where workers write the status page each minute; shown while PostgreSQL is away.", None
    )
    notify_page: str | None = _setting(
        v.routes,
        "Who is told at once, with spaces in between: `https://…` (a signed webhook), `mailto:…`, or any service of Apprise, `slack://…`. `|` names who stands in for one that is down, `checkout=…` whom a service has of its own.",
        None,
        secret=True,
    )
    notify_ticket: str | None = _setting(v.routes, "The same for what can wait for working hours.", None, secret=True)
    notify_targets: str | None = _setting(
        v.named_routes,
        "Who is told of what an alert policy sends there by name: `dba=slack://…|mailto:…`. A policy names `page`, `ticket` or one of these.",
        None,
        secret=True,
    )
    alertmanager_url: str | None = _setting(
        v.web_address, "A Prometheus Alertmanager, which gets every alert as well.", None
    )
    smtp_url: str | None = _setting(
        v.smtp,
        "Where mail is handed in: `submission://user:password@host` (STARTTLS), `smtps://…` or `smtp://host`.",
        None,
        secret=True,
    )
    mail_from: str | None = _setting(
        v.mail_address, "Sender of mail. Default: slipstream at the host of BASE_URL.", None
    )
    webhook_secret: str | None = _setting(
        v.webhook_secret, "`whsec_` and base64: signs webhooks as Standard Webhooks says.", None, secret=True
    )
    outgoing_networks: str | None = _setting(
        v.networks, "Private networks that notifications and sign-in may reach: `10.1.0.0/16,192.168.7.9`.", None
    )
    remind_page_after_s: int = _setting(
        v.integer(0, 604_800), "A page that nobody has acknowledged is told again after this. 0: never.", 1_800
    )
    remind_ticket_after_s: int = _setting(v.integer(0, 2_592_000), "The same for a ticket.", 86_400)
    outgoing_timeout_s: int = _setting(v.integer(1, 60), "Longest try to tell one target.", 10)

    @property
    def processes(self) -> int:
        """Processes of the API; of two processors that we may use, the other is for workers, Valkey and PostgreSQL."""
        return self.api_processes or max(1, len(os.sched_getaffinity(0)) // 2)

    @property
    def cache(self) -> str:
        """The cache's address."""
        return self.cache_url or self.redis_url

    @property
    def sender(self) -> str:
        """The address that mail comes from; its domain is in every Message-ID."""
        return self.mail_from or f"slipstream@{urlsplit(self.base_url).hostname}"


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper()


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read every setting; raises `SettingsError` with all problems at once."""
    problems: list[str] = []
    given = with_file(environ, PREFIX, problems)
    values: dict[str, Any] = {}
    for item in fields(Settings):
        name = variable(item.name)
        raw = raw_value(name, given, problems)
        if raw is None:
            if item.default is MISSING:
                problems.append(f"{name} is not set: {item.metadata['about']}")
            continue
        try:
            values[item.name] = item.metadata["parse"](raw)
        except ValueError as error:
            problems.append(f"{name} {error}" + ("" if item.metadata["secret"] else f" (it is {raw!r})"))
    problems.extend(_unknown(given))
    problems.extend(_unreachable(values, problems))
    if problems:
        raise SettingsError(problems)
    return Settings(**values)


def hand_down(settings: Settings, environ: MutableMapping[str, str]) -> None:
    """Let child processes find these very settings in `environ`, wherever they came from."""
    environ.pop(PREFIX + "ENV_FILE", None)
    for item in fields(settings):
        name, value = variable(item.name), getattr(settings, item.name)
        environ.pop(name + "_FILE", None)
        environ.pop(name, None)
        if value is not None:
            environ[name] = str(value)


def _unreachable(values: Mapping[str, Any], problems: list[str]) -> list[str]:
    """Name the settings without which those who are to be told cannot be; of those with a problem it is told already."""
    told = " ".join(filter(None, (values.get(f"notify_{name}") for name in ("page", "ticket", "targets"))))
    of_openid = () if values.get("oidc_issuer") is None else ("oidc_client_id", "oidc_client_secret")
    needed = [*needed_by(told), *((name, "OIDC_ISSUER is") for name in of_openid)]
    wrong = {problem.partition(" ")[0].removesuffix("_FILE") for problem in problems}
    lacking = [(variable(name), reason) for name, reason in needed if values.get(name) is None]
    return [f"{name} is not set: {reason}" for name, reason in lacking if name not in wrong]


_OUTSIDE = {"CLOCK", "ENV_FILE", "FAILPOINTS", "KEY", "PORT_HELD", "SPOOL"}
"""Variables with the prefix that are not settings of the service itself."""


def _unknown(given: Mapping[str, str]) -> list[str]:
    known = {item.name.upper() for item in fields(Settings)} | _OUTSIDE
    return [
        f"{name} is not a setting of Slipstream"
        for name in sorted(given)
        if name.startswith(PREFIX)
        and name.removeprefix(PREFIX) not in known
        and name.removeprefix(PREFIX).removesuffix("_FILE") not in known
    ]
