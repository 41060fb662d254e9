"""Rows of an account, and of its neighbour, in every table that can name one: made of the tables and their rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Integer,
    Interval,
    LargeBinary,
    SmallInteger,
    insert,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

from app.core.erasure.rules import RULES, Fate
from app.core.tables import metadata

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection, Table

GONE = "zQ7-Erase-Me-98"
NAME = 'Erase & "Me" Ünlimited'
STAYS = f"{GONE}-2"
"""Begins like the other, and must not be taken for it."""
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
BY_HAND = {"accounts", "api_keys", "slo_objects", "slo_versions", "counting_rules", "report_files", "erasures"}
"""Made by the product itself, in the test."""
_numbers = count(1)

# What a CHECK or a reference asks for.
FIXED: dict[str, dict[str, Any]] = {
    "event_rollups": {"width": 1},
    "batch_outcomes": {"revived": 0},
    "rule_counts": {"width": 1, "good": 1, "total": 2, "rule_id": "r1"},
    "request_rollups": {"width": 15},
    "account_request_rollups": {"width": 15},
    "alerts": {"state": "firing", "severity": "page", "current": False, "targets": []},
    "incidents": {"severity": "page", "source": "people"},
    "incident_updates": {"status": "resolved"},
    "silences": {"severity": "page"},
    "annotations": {"kind": "deploy"},
    "maintenance_windows": {"ends_at": NOW + timedelta(days=30), "rrule": None, "timezone": "UTC"},
    "reports": {"kind": "monthly", "state": "ready", "period": "2026-10", "papers": ["a4"], "tier": None, "step": ""},
    "report_subscriptions": {"kind": "weekly", "hour": 6, "paper": "a4", "tier": None},
    "deliveries": {"state": "pending"},
    "telemetry_names": {"kind": "route"},
}
REFERENCES = {
    "alerts": {"incident_id": "incidents"},
    "alert_changes": {"alert_id": "alerts"},
    "incident_publications": {"incident_id": "incidents"},
    "incident_updates": {"incident_id": "incident_publications"},
    "deliveries": {"notification_id": "notifications"},
    "report_sends": {"subscription_id": "report_subscriptions", "report_id": "reports"},
}


def service_of(account_id: str) -> str:
    return f"shop-of-{account_id}"


def concerned() -> list[Table]:
    """The tables that erasure has anything to do with, those that others refer to first."""
    return [
        table
        for table in metadata.sorted_tables
        if table.name not in BY_HAND
        and ((rule := RULES[table.name]).fate is not Fate.STAYS or rule.texts or rule.service is not None)
    ]


def seed(connection: Connection) -> None:
    """Write three rows of each account, and one that is nobody's and names it, into every table."""
    for account_id in (GONE, STAYS):
        made: dict[str, list[dict[str, Any]]] = {}
        for table in concerned():
            made[table.name] = [_row(table, account_id, made, number) for number in range(3)]
            rule, account = RULES[table.name], table.c.get("account_id")
            for name in rule.mentions:
                made[table.name][0][name] = (
                    f"x{next(_numbers)}"  # One that is no row of the account's, and tells of it.
                )
            if account is not None and account.nullable and rule.words:
                made[table.name].append({**_row(table, account_id, made, 0), "account_id": None, "service": None})
                if "service" in table.c and not table.c.service.nullable:
                    made[table.name][-1]["service"] = "slipstream"
            if table.name in {"account_request_minutes", "account_request_rollups"}:
                # Somebody else's requests, of a service that is the account's.
                other = STAYS if account_id == GONE else "somebody"
                made[table.name].append({**_row(table, account_id, made, 0), "account_id": other})
            if table.name == "telemetry_names":
                # A service of somebody else's tells its requests apart by account.
                made[table.name].append({"service": "checkout", "kind": "account", "name": account_id})
            if table.name == "telemetry_services":
                made[table.name] = [{"service": service_of(account_id), "account_id": account_id, "created_at": NOW}]
            connection.execute(insert(table), made[table.name])


def _row(table: Table, account_id: str, made: dict[str, list[dict[str, Any]]], number: int) -> dict[str, Any]:
    unique = next(_numbers)
    row = {
        column.name: _value(table, column, account_id, unique)
        for column in table.columns
        if column.identity is None and not (column.nullable and isinstance(column.type, TIMESTAMP))
    }
    for column_name, other in REFERENCES.get(table.name, {}).items():
        of = made[other][number % len(made[other])]
        row[column_name] = next(value for name, value in of.items() if metadata.tables[other].c[name].primary_key)
    if table.name == "audit_entries":
        row |= _recorded(account_id, unique)
    fixed = {name: value for name, value in FIXED.get(table.name, {}).items() if name in table.c}
    return row | fixed


def _recorded(account_id: str, unique: int) -> dict[str, Any]:
    """A change that a key of the account has made to it; elsewhere the record does not lose the account's name."""
    name = NAME if account_id == GONE else "The neighbour"
    return {
        "actor": f"{account_id}/k3y",
        "action": "accounts.change",
        "subject": account_id,
        "detail": {"by": f"{account_id}/k3y", account_id: [account_id], "name": name, "ratio": 0.25},
        "request_id": f"{unique}: {account_id}",
    }


def _value(table: Table, column: Column[Any], account_id: str, unique: int) -> Any:
    rule = RULES[table.name]
    telling = column.name in (*rule.words, *rule.mentions)
    name = NAME if account_id == GONE else "The neighbour"
    plain: dict[type, Any] = {
        TIMESTAMP: NOW + timedelta(minutes=unique),
        Interval: timedelta(seconds=1),
        Boolean: True,
        BigInteger: unique,
        SmallInteger: unique % 16,
        Integer: unique,
        LargeBinary: f"{account_id} sent this {unique}".encode() if table.name == "dead_letters" else b"%d" % unique,
    }
    for kind, value in plain.items():
        if isinstance(column.type, kind):
            return value
    if isinstance(column.type, JSONB):
        return {"by": account_id, account_id: [name, f"{account_id}/k3y"], "ratio": 0.25} if telling else {"n": unique}
    if isinstance(column.type, ARRAY):
        if not telling:
            return [unique] if isinstance(column.type.item_type, Integer) else []
        return [f"ops@{account_id}.example", "people@example.org"]
    if column.name == "account_id":
        return account_id
    if rule.service == column.name or column.name in rule.labels:
        return service_of(account_id)
    if column.name in rule.signed:
        return f"{account_id}/k3y"
    if column.name in rule.mentions:
        return f"{account_id}.2026-11.{unique}"
    return f"{unique}: {account_id} ({name}), that is {account_id}/k3y" if telling else f"x{unique}"
