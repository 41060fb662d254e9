"""Where each table lives when Citus spreads PostgreSQL over several machines (ADR 33).

What is written for a batch grows with events, and is spread by account: a batch of one account is stored on one node.
What grows with time alone, or is anybody's, stays on the node that everybody connects to: there it is looked through by
index, locked row by row and read over all accounts, and it is all there while another node is away.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

FIRST = "events"
"""The table by account that the others are co-located with: the same account, the same node."""


class Place(StrEnum):
    BY_ACCOUNT = "by account"
    """Spread over the nodes by `account_id`."""
    EVERYWHERE = "everywhere"
    """A reference table: a copy on every node, each written in the same transaction."""
    COORDINATOR = "coordinator"
    """An ordinary table of the node that everybody connects to."""


class Placement(NamedTuple):
    place: Place
    reason: str


PLACEMENTS: dict[str, Placement] = {
    # What a foreign key points to comes before what points to it.
    "tiers": Placement(Place.EVERYWHERE, "accounts point to them"),
    "accounts": Placement(Place.EVERYWHERE, "a summary asks for its account and its counts at once, on their node"),
    "api_keys": Placement(Place.EVERYWHERE, "they point to accounts"),
    "events": Placement(Place.BY_ACCOUNT, "what grows"),
    "event_rollups": Placement(Place.BY_ACCOUNT, "written with events"),
    "batch_outcomes": Placement(Place.BY_ACCOUNT, "written with events"),
    "idempotency_keys": Placement(Place.BY_ACCOUNT, "written with events"),
    "dead_letters": Placement(Place.BY_ACCOUNT, "written with events"),
    # Counts by time: few rows an hour whatever is sent, thinned by age, and what alerts and reports are made of.
    "outcome_minutes": Placement(Place.COORDINATOR, "by time, of no account"),
    "accepted_minutes": Placement(Place.COORDINATOR, "by time, of no account"),
    "rule_counts": Placement(
        Place.COORDINATOR, "alerts add them up over all accounts, and are due when a node is away"
    ),
    "request_minutes": Placement(Place.COORDINATOR, "by time, of services"),
    "request_rollups": Placement(Place.COORDINATOR, "by time, of services"),
    "account_request_minutes": Placement(Place.COORDINATOR, "written with request_minutes, also when a node is away"),
    "account_request_rollups": Placement(Place.COORDINATOR, "made of account_request_minutes"),
    "failed_requests": Placement(Place.COORDINATOR, "they say what goes wrong, also when a node is away"),
    "kept_detail": Placement(Place.COORDINATOR, "how far counts by time are thinned"),
    "rollup_progress": Placement(Place.COORDINATOR, "how far counts by time are added up"),
    "restatements": Placement(Place.COORDINATOR, "by number of transaction, which every node counts for itself"),
    # Queues and records, of which rows are locked one by one.
    "notices": Placement(Place.COORDINATOR, "a queue over all accounts"),
    "circuit_changes": Placement(Place.COORDINATOR, "written with notices"),
    "notifications": Placement(Place.COORDINATOR, "a queue"),
    "deliveries": Placement(Place.COORDINATOR, "of notifications"),
    "reports": Placement(Place.COORDINATOR, "a queue"),
    "report_files": Placement(Place.COORDINATOR, "of reports"),
    "report_subscriptions": Placement(Place.COORDINATOR, "a schedule"),
    "report_sends": Placement(Place.COORDINATOR, "a queue"),
    "audit_entries": Placement(Place.COORDINATOR, "a trigger keeps them, which spread tables cannot have"),
    # Of the platform, or of an account that is gone.
    "erasures": Placement(Place.COORDINATOR, "a queue, and the record of who was erased"),
    "alerts": Placement(Place.COORDINATOR, "one evaluator locks and writes them"),
    "alert_changes": Placement(Place.COORDINATOR, "of alerts"),
    "alert_evaluations": Placement(Place.COORDINATOR, "one row"),
    "incidents": Placement(Place.COORDINATOR, "of services"),
    "incident_publications": Placement(Place.COORDINATOR, "of incidents"),
    "incident_updates": Placement(Place.COORDINATOR, "of incidents"),
    "annotations": Placement(Place.COORDINATOR, "of services"),
    "silences": Placement(Place.COORDINATOR, "of alerts"),
    "signing_keys": Placement(Place.COORDINATOR, "a handful"),
    "slo_objects": Placement(Place.COORDINATOR, "definitions"),
    "slo_versions": Placement(Place.COORDINATOR, "definitions"),
    "counting_rules": Placement(Place.COORDINATOR, "definitions"),
    "maintenance_windows": Placement(Place.COORDINATOR, "definitions"),
    "telemetry_services": Placement(Place.COORDINATOR, "of services"),
    "telemetry_names": Placement(Place.COORDINATOR, "of services"),
    "telemetry_files": Placement(Place.COORDINATOR, "of services"),
    "users": Placement(Place.COORDINATOR, "people"),
    "sessions": Placement(Place.COORDINATOR, "of users"),
}
