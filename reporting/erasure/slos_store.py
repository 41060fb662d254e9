"""What definitions, alerts and silences say of an account's own SLOs, and of the account in others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, select, update

from app.core.alert_tables import alert_changes, alerts, silences
from app.core.slo_tables import counting_rules, slo_objects, slo_versions

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from reporting.catalogue.catalogue_store import StoredObject, StoredVersion


def delete_slos(connection: Connection, kind: str, names: Collection[str]) -> dict[str, int]:
    """Delete SLOs with all their versions, their alerts, and what silences them; return rows by table."""
    of_alerts = select(alerts.c.alert_id).where(alerts.c.slo.in_(names))
    statements = {
        "slo_objects": delete(slo_objects).where(slo_objects.c.kind == kind, slo_objects.c.name.in_(names)),
        "slo_versions": delete(slo_versions).where(slo_versions.c.name.in_(names)),
        "alert_changes": delete(alert_changes).where(alert_changes.c.alert_id.in_(of_alerts)),
        "alerts": delete(alerts).where(alerts.c.slo.in_(names)),
        "silences": delete(silences).where(silences.c.slo.in_(names)),
    }
    return {table: connection.execute(statement).rowcount for table, statement in statements.items()}


def rewrite_version(connection: Connection, before: StoredVersion, after: StoredVersion) -> None:
    """Write a version otherwise; its name and number stay."""
    table = slo_versions
    this = and_(table.c.name == before.name, table.c.version == before.version)
    connection.execute(update(table).where(this).values(applied_by=after.applied_by, document=after.document))


def rewrite_object(connection: Connection, before: StoredObject, after: StoredObject) -> None:
    """Write an object otherwise; its name stays."""
    table = slo_objects
    this = and_(table.c.kind == before.kind, table.c.name == before.name)
    connection.execute(update(table).where(this).values(document=after.document))


def delete_rules(connection: Connection, rule_ids: Collection[str]) -> int:
    """Delete counting rules; what they have counted is left over, and goes with the backfill's next steps."""
    return connection.execute(delete(counting_rules).where(counting_rules.c.rule_id.in_(rule_ids))).rowcount
