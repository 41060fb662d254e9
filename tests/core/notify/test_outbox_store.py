"""What is written into the outbox, and when it is deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from app.core.alert_tables import notifications
from app.core.notify import outbox_store
from tests.core.notify.conftest import NOW

if TYPE_CHECKING:
    from app.core.database import Database
    from tests.core.notify.conftest import Town


def test_an_intent_is_written_with_the_transaction_or_not_at_all(
    database: Database, make_notification: Any, unfinished: Any
) -> None:
    with pytest.raises(ZeroDivisionError), database.begin() as connection:
        outbox_store.add(connection, [make_notification()], NOW)
        raise ZeroDivisionError

    assert unfinished() == []


def test_an_intent_is_written_once(database: Database, make_notification: Any) -> None:
    with database.begin() as connection:
        assert outbox_store.add(connection, [make_notification(1), make_notification(2)], NOW) == 2
        assert outbox_store.add(connection, [make_notification(2), make_notification(3)], NOW) == 1


def test_what_was_finished_long_ago_is_deleted_with_its_deliveries(
    database: Database, make_deliveries: Any, write: Any, town: Town
) -> None:
    write(1)
    make_deliveries().deliver("incident-1", by="a")
    write(2)

    with database.begin() as connection:
        assert outbox_store.purge(connection, NOW + timedelta(days=1), limit=10) == 1
        assert list(connection.scalars(select(notifications.c.notification_id))) == ["ntf_2"]
        assert connection.scalar(text("SELECT count(*) FROM deliveries")) == 0
