"""What happens on a platform, as rows of its tables: one of everything as a beginning, and single causes after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, update

from app.core import alert_tables, slo_tables, tables
from app.domain.histogram import bucket_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

BEGAN = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
HALF_PAST = BEGAN + timedelta(minutes=30)
UNTIL = BEGAN + timedelta(hours=1)

Cause = "Callable[[Connection], None]"


def begin(connection: Connection) -> None:
    """Let there be a quiet hour: a few requests and events of one account, and nothing wrong."""
    add(connection, tables.accounts, account_id="acme", name="Acme", tier="standard")
    requests(connection, 100, at=BEGAN)
    events_accepted(connection, 10, at=BEGAN)
    events_stored(connection, 10, at=BEGAN)
    account_requests(connection, 10, at=BEGAN)
    account_events(connection, 10, at=BEGAN)
    add(connection, alert_tables.alert_evaluations, single=True, evaluated_at=BEGAN, evaluator="worker-1")


def failing(connection: Connection) -> None:
    """Server errors, and slow ones."""
    requests(connection, 7, status=500, reason="internal-error", us=3_000_000)
    add(
        connection,
        tables.failed_requests,
        writer="w",
        number=1,
        at=HALF_PAST,
        request_id="r-1",
        service="slipstream",
        route="/events",
        method="POST",
        status=500,
        reason="internal-error",
        account_id="acme",
        duration_us=3_000_000,
    )


def busy(connection: Connection) -> None:
    """More requests, all of them good."""
    requests(connection, 50)


def slow(connection: Connection) -> None:
    """Requests that take their time."""
    requests(connection, 200, us=4_000_000)


def accepting(connection: Connection) -> None:
    """Events that are accepted, and of which nothing else is known."""
    events_accepted(connection, 40)


def storing_late(connection: Connection) -> None:
    """Events that are stored, after two minutes."""
    events_stored(connection, 40, delay_s=120)


def dying(connection: Connection) -> None:
    """An event that cannot be stored."""
    add(
        connection,
        tables.dead_letters,
        account_id="acme",
        batch_id="07n-1-0",
        position=0,
        event_id="e1",
        type="flight",
        reason="refused-by-store",
        detail="",
        attempts=1,
        body=b"{}",
        received_at=HALF_PAST,
        died_at=HALF_PAST,
    )


def telling(connection: Connection) -> None:
    """A notification that waits."""
    add(
        connection,
        alert_tables.notifications,
        notification_id="n-1",
        subject="s",
        payload={},
        created_at=HALF_PAST,
        next_at=HALF_PAST,
    )


def evaluating(connection: Connection) -> None:
    """Alerts are evaluated again."""
    connection.execute(update(alert_tables.alert_evaluations).values(evaluated_at=HALF_PAST))


def alerting(connection: Connection) -> None:
    """A page, and the incident that it opens."""
    add(
        connection,
        alert_tables.incidents,
        incident_id="i-1",
        service="slipstream",
        severity="page",
        source="alerts",
        title="Availability burns",
        started_at=HALF_PAST,
        detected_at=HALF_PAST,
        root_cause="",
        actions=[],
        updated_at=HALF_PAST,
    )
    add(
        connection,
        alert_tables.alerts,
        alert_id="a-1",
        slo="availability",
        service="slipstream",
        rule="page-1h-5m",
        severity="page",
        state="firing",
        since=HALF_PAST,
        breached_at=HALF_PAST,
        seen_at=HALF_PAST,
        counted=timedelta(0),
        clearing=False,
        notified=True,
        frozen=False,
        current=True,
        incident_id="i-1",
        figures={},
    )


def an_account_sending(connection: Connection) -> None:
    account_events(connection, 20)


def an_account_asking(connection: Connection) -> None:
    account_requests(connection, 20)


def an_account_failing(connection: Connection) -> None:
    account_requests(connection, 5, status=500, reason="internal-error")


def an_account_refused(connection: Connection) -> None:
    account_requests(connection, 5, status=429, reason="rate-limit-exceeded")


def a_quota_reached(connection: Connection) -> None:
    add(
        connection,
        tables.notices,
        account_id="acme",
        period="2026-11-22",
        threshold=80,
        used=80,
        quota=100,
        noticed_at=HALF_PAST,
    )


def a_circuit_opening(connection: Connection) -> None:
    add(
        connection,
        tables.circuit_changes,
        account_id="acme",
        change_id="07-1-0",
        changed_at=HALF_PAST,
        before="closed",
        after="open",
        cause="invalid-events",
    )


def a_new_account(connection: Connection) -> None:
    add(connection, tables.accounts, account_id="bolt", name="Bolt", tier="free")


OF_REQUESTS = (failing, busy, slow, an_account_asking, an_account_failing, an_account_refused)


def minutes_gone(connection: Connection, width: int) -> None:
    """Requests are kept by the quarter of an hour alone, or by the day."""
    for prefix, account in (("", ""), ("account_", "account_id, ")):
        keys = f"{account}service, width, bucket, route, method, tier, status, reason"
        minute = keys.replace("width, bucket", f"{width}, date_bin('{width} minutes', minute, 'epoch')")
        connection.exec_driver_sql(
            f"INSERT INTO {prefix}request_rollups AS kept ({keys}, requests, buckets, counts)"  # noqa: S608 - Names of ours.
            f" SELECT {minute}, requests, buckets, counts FROM {prefix}request_minutes"
            f" ON CONFLICT ({keys}) DO UPDATE SET requests = kept.requests + excluded.requests,"
            " buckets = kept.buckets || excluded.buckets, counts = kept.counts || excluded.counts"
        )
        connection.exec_driver_sql(f"DELETE FROM {prefix}request_minutes")  # noqa: S608 - A name of ours.
    gone = BEGAN.replace(hour=0) + timedelta(days=1)
    connection.exec_driver_sql(
        "INSERT INTO kept_detail (name, minutes_from, quarters_from) VALUES ('requests', %s, %s) ON CONFLICT DO NOTHING",
        (gone, gone if width > 15 else None),
    )


def add(connection: Connection, table: Any, **values: Any) -> None:
    connection.execute(insert(table).values(**values))


def requests(
    connection: Connection,
    number: int,
    *,
    at: datetime = HALF_PAST,
    status: int = 202,
    reason: str = "",
    us: int = 20_000,
) -> None:
    """Requests of the platform itself, all of the same duration."""
    add(connection, tables.request_minutes, **_request(number, at, status, reason, us))


def account_requests(
    connection: Connection, number: int, *, at: datetime = HALF_PAST, status: int = 202, reason: str = ""
) -> None:
    row = _request(number, at, status, reason, 20_000)
    add(connection, tables.account_request_minutes, account_id="acme", **row)


def events_accepted(connection: Connection, number: int, *, at: datetime = HALF_PAST) -> None:
    add(connection, slo_tables.accepted_minutes, shard=7, minute=at, events=number)


def events_stored(connection: Connection, number: int, *, at: datetime = HALF_PAST, delay_s: int = 1) -> None:
    add(connection, slo_tables.outcome_minutes, shard=7, minute=at, outcome="stored", delay_s=delay_s, events=number)


def account_events(connection: Connection, number: int, *, at: datetime = HALF_PAST) -> None:
    row = {"account_id": "acme", "type": "flight", "events": number, "first_at": at, "last_at": at}
    for width, bucket in ((1, at), (60, at.replace(minute=0)), (1440, at.replace(hour=0, minute=0))):
        statement = tables.event_rollups.insert().values(width=width, bucket=bucket, **row)
        if width == 1 or at is BEGAN:
            connection.execute(statement)


def _request(number: int, at: datetime, status: int, reason: str, us: int) -> dict[str, Any]:
    return {
        "service": "slipstream",
        "minute": at,
        "route": "/events",
        "method": "POST",
        "tier": "standard",
        "status": status,
        "reason": reason,
        "writer": "w",
        "requests": number,
        "buckets": [bucket_of(us)],
        "counts": [number],
    }
