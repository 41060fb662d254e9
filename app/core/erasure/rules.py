"""What becomes of every column that can name an account, when it is erased. A test asks it of each table there is.

A table whose rows are all of one account or another has `rows` or `sums` and no more to say: rows of others are theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Fate(StrEnum):
    """What becomes of rows with the account in `account_id`."""

    ROWS = "rows"
    """They are deleted."""
    SUMS = "sums"
    """They are added up in rows of no account, because a number of the platform is a sum over all accounts."""
    STAYS = "stays"
    """No row is of an account."""
    APART = "apart"
    """A step of its own (`reporting`, or the end of the erasure)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The rule of a table.

    `service` is a column that names a service; rows of services that are the account's own are deleted. In `words`, names
    of the account are replaced; in arrays what names it is left out. `signed` say who did something: a key of the account
    loses its name there, and nobody else, whatever he is called. In `labels`, which name
    SLOs and services, only those are replaced that tell that they are the account's. A row that names it in one of `mentions` is deleted.
    `never` has the other columns of text, with why none of them names an account.
    """

    fate: Fate = Fate.STAYS
    service: str | None = None
    words: tuple[str, ...] = ()
    signed: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    never: Mapping[str, str] = field(default_factory=dict)

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the columns in which something may have to be replaced."""
        return (*self.words, *self.signed, *self.labels, *self.mentions)


def _never(reason: str, *columns: str) -> dict[str, str]:
    return dict.fromkeys(columns, reason)


_CLOSED = "one of a few words of ours"
_OURS = "made by us, of random letters or a digest"
_OF_SERVICE = "what a service calls its own; with a service of the account it goes"
_PERSON = "people, who are no accounts"
_WORKER = "a process of ours"

RULES: dict[str, Rule] = {
    # app.core: the account itself goes when it is closed, and its keys with it.
    "accounts": Rule(fate=Fate.ROWS),
    "api_keys": Rule(fate=Fate.ROWS),
    "tiers": Rule(never=_never("tiers are everybody's", "name") | _never(_CLOSED, "lane")),
    "erasures": Rule(fate=Fate.APART),
    "users": Rule(never=_never(_PERSON, "username", "password_hash", "identity", "role")),
    "sessions": Rule(never=_never(_PERSON, "digest", "username", "token_digest", "address")),
    # Who else did something must stay: see `record_store`.
    "audit_entries": Rule(
        fate=Fate.APART,
        never=_never(_CLOSED, "action") | _never("an IP address, or a machine of ours", "address"),
    ),
    "signing_keys": Rule(never=_never(_CLOSED, "purpose") | _never(_OURS, "key")),
    # ingestion
    "events": Rule(fate=Fate.ROWS),
    "event_rollups": Rule(fate=Fate.ROWS),
    "batch_outcomes": Rule(fate=Fate.SUMS),
    "idempotency_keys": Rule(fate=Fate.ROWS),
    "dead_letters": Rule(fate=Fate.ROWS),
    "notices": Rule(fate=Fate.ROWS),
    "circuit_changes": Rule(fate=Fate.ROWS),
    "accepted_minutes": Rule(),
    "outcome_minutes": Rule(never=_never(_CLOSED, "outcome")),
    "telemetry_services": Rule(fate=Fate.APART),
    "telemetry_names": Rule(
        service="service",
        never=_never(_CLOSED, "kind") | _never(f"{_OF_SERVICE}; accounts go by `purge_store.delete_claims`", "name"),
    ),
    "telemetry_files": Rule(service="service", words=("name",), never=_never(_OURS, "head", "digest")),
    # app.core.telemetry, app.core.counting
    "request_minutes": Rule(
        service="service",
        never=_never(_OF_SERVICE, "route", "method", "tier", "reason") | _never(_WORKER, "writer"),
    ),
    "request_rollups": Rule(service="service", never=_never(_OF_SERVICE, "route", "method", "tier", "reason")),
    "account_request_minutes": Rule(fate=Fate.ROWS, service="service"),
    "account_request_rollups": Rule(fate=Fate.ROWS, service="service"),
    "failed_requests": Rule(
        fate=Fate.ROWS,
        service="service",
        words=("request_id",),
        never=_never(_OF_SERVICE, "route", "method", "reason") | _never(_WORKER, "writer"),
    ),
    "rollup_progress": Rule(never=_never(_CLOSED, "name")),
    "kept_detail": Rule(never=_never(_CLOSED, "name")),
    "restatements": Rule(service="scope", never=_never(_CLOSED, "source")),
    "counting_rules": Rule(fate=Fate.APART),
    "rule_counts": Rule(fate=Fate.SUMS),
    # app.core.notify
    "notifications": Rule(
        words=("subject", "payload"), mentions=("notification_id",), never=_never(_WORKER, "claimed_by")
    ),
    "deliveries": Rule(
        words=("reason",),
        never=_never("as in notifications", "notification_id")
        | _never(_CLOSED, "state")
        | _never("a label of the settings", "target"),
    ),
    # reporting
    "slo_objects": Rule(fate=Fate.APART),
    "slo_versions": Rule(fate=Fate.APART),
    "maintenance_windows": Rule(
        service="service",
        words=("author", "reason"),
        never=_never(_OURS, "maintenance_id") | _never(_CLOSED, "rrule", "timezone"),
    ),
    "alerts": Rule(
        words=("figures",),
        labels=("slo", "service"),
        never=_never(_OURS, "alert_id", "incident_id")
        | _never(_CLOSED, "rule", "severity", "state")
        | _never("names of the settings", "targets"),
    ),
    "alert_changes": Rule(
        signed=("actor",),
        never=_never(_OURS, "alert_id", "notification_id") | _never(_CLOSED, "state"),
    ),
    "alert_evaluations": Rule(never=_never(_WORKER, "evaluator")),
    "incidents": Rule(
        words=("title", "root_cause", "actions"),
        signed=("acknowledged_by", "author"),
        labels=("service",),
        never=_never(_OURS, "incident_id") | _never(_CLOSED, "severity", "source"),
    ),
    "incident_publications": Rule(words=("title",), signed=("published_by",), never=_never(_OURS, "incident_id")),
    "incident_updates": Rule(
        words=("text",), signed=("author",), never=_never(_OURS, "incident_id") | _never(_CLOSED, "status")
    ),
    "annotations": Rule(
        service="service",
        words=("text",),
        signed=("author",),
        never=_never(_OURS, "annotation_id") | _never(_CLOSED, "kind"),
    ),
    "silences": Rule(
        service="service",
        words=("reason",),
        signed=("author", "ended_by"),
        labels=("slo",),
        never=_never(_OURS, "silence_id") | _never(_CLOSED, "severity"),
    ),
    "reports": Rule(
        fate=Fate.ROWS,
        service="service",
        words=("reason",),
        signed=("requested_by",),
        never=_never(_OURS, "report_id")
        | _never("tiers are everybody's", "tier")
        | _never(_CLOSED, "kind", "period", "timezone", "papers", "state", "step")
        | _never(_WORKER, "claimed_by"),
    ),
    "report_files": Rule(fate=Fate.APART),
    "report_subscriptions": Rule(
        fate=Fate.ROWS,
        service="service",
        words=("audience",),
        signed=("author",),
        never=_never(_OURS, "subscription_id")
        | _never("tiers are everybody's", "tier")
        | _never(_CLOSED, "kind", "timezone", "paper", "next_period"),
    ),
    "report_sends": Rule(
        words=("recipients",),
        signed=("requested_by",),
        never=_never(_OURS, "send_id", "report_id", "subscription_id") | _never(_CLOSED, "period", "paper"),
    ),
}
"""In the order in which they are gone through. Sends refer to reports and subscriptions: see `purge_store.delete_sends`."""
