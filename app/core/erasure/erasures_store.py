"""`erasures`, and the key of their digests."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import LargeBinary, and_, any_, func, literal, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from app.core.alert_tables import signing_keys
from app.core.erasure.erasure import ID_LETTERS, Erasure, digest_of
from app.core.erasure_tables import erasures

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

PURPOSE = "erasures"
_KEY_BYTES = 32
_NAME = func.left(func.encode(erasures.c.digest, "hex"), ID_LETTERS)
_COUNT = text("""
    UPDATE erasures SET counts = jsonb_set(counts, ARRAY[:name], to_jsonb(coalesce((counts ->> :name)::bigint, 0) + :rows))
     WHERE digest = :digest
""")
_TURN_ID = 0x45524153
"""Advisory lock of erasing: "ERAS" in ASCII."""
_TAKE_TURN = text("SELECT pg_try_advisory_xact_lock(:id)")
_REST = text("SELECT set_config('idle_in_transaction_session_timeout', :milliseconds, true)")


def take_turn(connection: Connection, *, within_s: float) -> bool:
    """Tell whether nobody else erases. The turn ends with the transaction, or after so many seconds without a statement.

    The transaction keeps no snapshot meanwhile. A turn of a process that was killed ends at once.
    """
    connection.execute(_REST, {"milliseconds": str(round(within_s * 1_000))})
    return bool(connection.scalar(_TAKE_TURN, {"id": _TURN_ID}))


def find_key(connection: Connection) -> bytes | None:
    """Return the key of the digests; None while nothing was ever erased."""
    key: bytes | None = connection.scalar(select(signing_keys.c.key).where(signing_keys.c.purpose == PURPOSE))
    return key


def make_key(connection: Connection, now: datetime, key: bytes | None = None) -> bytes:
    """Make the key unless there is one, and return that."""
    values = {"purpose": PURPOSE, "key": key or secrets.token_bytes(_KEY_BYTES), "created_at": now}
    connection.execute(insert(signing_keys).values(**values).on_conflict_do_nothing())
    found = find_key(connection)
    if found is None:
        raise LookupError("a key that was just written is not there")
    return found


def replace_key(connection: Connection, key: bytes) -> None:
    """Use another key, where nothing was erased under the one there is."""
    connection.execute(update(signing_keys).where(signing_keys.c.purpose == PURPOSE).values(key=key))


def of_account(connection: Connection, account_id: str) -> Erasure | None:
    """Return the erasure of an account that was called so."""
    key = find_key(connection)
    return None if key is None else find(connection, digest_of(key, account_id))


def erased(connection: Connection, account_ids: Iterable[str]) -> set[str]:
    """Return those of some ids that accounts had which were erased, or are being erased."""
    key = find_key(connection)
    if key is None:
        return set()
    digests = {digest_of(key, account_id): account_id for account_id in account_ids}
    wanted = literal(list(digests), ARRAY(LargeBinary))
    found = connection.scalars(select(erasures.c.digest).where(erasures.c.digest == any_(wanted)))
    return {digests[digest] for digest in found}


def find(connection: Connection, digest: bytes) -> Erasure | None:
    """Return an erasure."""
    row = connection.execute(select(erasures).where(erasures.c.digest == digest)).one_or_none()
    return None if row is None else _erasure(row)


def named(connection: Connection, erasure_id: str) -> Erasure | None:
    """Return the erasure of this name."""
    row = connection.execute(select(erasures).where(literal(erasure_id) == _NAME)).one_or_none()
    return None if row is None else _erasure(row)


def page(connection: Connection, *, behind: tuple[datetime, str] | None = None, limit: int) -> list[Erasure]:
    """Return erasures behind an instant and a name, the last to be requested first."""
    order = (erasures.c.requested_at, _NAME)
    query = select(erasures).order_by(*(column.desc() for column in order)).limit(limit)
    if behind is not None:
        query = query.where(tuple_(*order) < tuple_(*behind))
    return [_erasure(row) for row in connection.execute(query)]


def unfinished(connection: Connection) -> list[Erasure]:
    """Return what is still to be done, the first to be requested first."""
    query = select(erasures).where(erasures.c.done_at.is_(None), erasures.c.account_id.is_not(None))
    return [_erasure(row) for row in connection.execute(query.order_by(erasures.c.requested_at, erasures.c.digest))]


def put(connection: Connection, erasure: Erasure) -> None:
    """Write an erasure; one that was done before begins again, and its counts go on."""
    again = {
        "account_id": erasure.account_id,
        "words": list(erasure.words),
        "labels": list(erasure.labels),
        "services": list(erasure.services),
        "requested_by": erasure.requested_by,
        "requested_at": erasure.requested_at,
        "purged_at": erasure.purged_at,
        "done_at": erasure.done_at,
    }
    statement = insert(erasures).values(digest=erasure.digest, counts=dict(erasure.counts), **again)
    connection.execute(statement.on_conflict_do_update(index_elements=["digest"], set_=again))


def put_missing(connection: Connection, records: Iterable[Erasure]) -> None:
    """Write erasures that are done and not known here."""
    rows: list[dict[str, Any]] = [
        {
            "digest": record.digest,
            "words": [],
            "labels": [],
            "services": [],
            "requested_by": record.requested_by,
            "requested_at": record.requested_at,
            "purged_at": record.purged_at,
            "done_at": record.done_at,
            "counts": dict(record.counts),
        }
        for record in records
    ]
    if rows:
        # Row by row: a statement has 65,535 parameters at most.
        connection.execute(insert(erasures).on_conflict_do_nothing(), rows)


def count(connection: Connection, digest: bytes, name: str, rows: int) -> None:
    """Add rows to what an erasure has deleted of a table."""
    connection.execute(_COUNT, {"digest": digest, "name": name, "rows": rows})


def learn(connection: Connection, digest: bytes, *, labels: Sequence[str], services: Sequence[str]) -> None:
    """Take note of what else names the account, before it cannot be found out any more."""
    statement = update(erasures).where(erasures.c.digest == digest)
    connection.execute(statement.values(labels=list(labels), services=list(services)))


def note_purged(connection: Connection, digest: bytes, now: datetime) -> None:
    """Take note that everything was looked through."""
    connection.execute(update(erasures).where(erasures.c.digest == digest).values(purged_at=now))


def open_again(connection: Connection, account_id: str, now: datetime) -> Erasure | None:
    """Have everything gone through once more, because somebody has just called an erased account by its id; None if it was not erased.

    Who tries to use it leaves its id in the record of changes again.
    """
    digest = digest_of(make_key(connection, now), account_id)
    again = update(erasures).where(erasures.c.digest == digest)
    row = connection.execute(
        again.values(account_id=account_id, purged_at=None, done_at=None).returning(erasures)
    ).one_or_none()
    return None if row is None else _erasure(row)


def finish(connection: Connection, erasure: Erasure, requested_by: str, now: datetime) -> bool:
    """Forget the account's name; False when it was opened again since it was read."""
    this = and_(erasures.c.digest == erasure.digest, erasures.c.purged_at == erasure.purged_at)
    done = {"words": [], "labels": [], "services": [], "requested_by": requested_by, "done_at": now}
    return bool(connection.execute(update(erasures).where(this).values(account_id=None, **done)).rowcount)


def _erasure(row: Row[Any]) -> Erasure:
    return Erasure(
        digest=row.digest,
        account_id=row.account_id,
        words=tuple(row.words),
        labels=tuple(row.labels),
        services=tuple(row.services),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        purged_at=row.purged_at,
        done_at=row.done_at,
        counts=row.counts,
    )
