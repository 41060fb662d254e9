"""The record of changes without an account that is erased. It must not be possible to erase who else did something.

So only the id is replaced, never the name that somebody gave the account; who acted is another one only where it was a
key of the account; and users and their sessions are no accounts, whatever they are called. A trigger holds most of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select, text, update

from app.core.access_tables import audit_entries
from app.core.audit_entry import OF_PEOPLE
from app.core.erasure import words_store
from app.core.erasure.purge_store import after

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from app.core.erasure.purge_store import Key
    from app.core.erasure.words import Words

_ALLOW = text("SELECT set_config('slipstream.erasing', :account_id, true)")
"""Until the end of the transaction the record takes a stand-in for this account; see migration 0019."""
_TEXTS = (audit_entries.c.actor, audit_entries.c.subject, audit_entries.c.detail, audit_entries.c.request_id)


def replace(connection: Connection, words: Words, *, behind: Key | None, until: Key | None) -> int:
    """Replace the account in entries between two keys; return in how many."""
    columns = (audit_entries.c.entry_id,)
    bounds = [] if behind is None else [after(columns, behind)]
    if until is not None:
        bounds.append(~after(columns, until))
    ours = words.id_alone()
    suspicious = or_(*(words_store.holds(column, (*ours.names, *ours.labels)) for column in _TEXTS))
    rows = connection.execute(select(audit_entries).where(*bounds, suspicious).with_for_update()).all()
    connection.execute(_ALLOW, {"account_id": ours.names[0]})
    return sum(_replace(connection, row, ours) for row in rows)


def _replace(connection: Connection, row: Row[Any], words: Words) -> int:
    now = {
        "actor": words.signed(row.actor),
        "subject": row.subject if row.action.startswith(OF_PEOPLE) else words.replaced(row.subject),
        "detail": _detail(row, words),
        "request_id": words.replaced(row.request_id),
    }
    changed = {name: value for name, value in now.items() if value != getattr(row, name)}
    if not changed:
        return 0
    statement = update(audit_entries).where(audit_entries.c.entry_id == row.entry_id)
    return connection.execute(statement.values(**changed)).rowcount


def _detail(row: Row[Any], words: Words) -> Any:
    detail: Any = words.without(row.detail)
    by = row.detail.get("by")
    if isinstance(by, str):
        detail |= {"by": words.signed(by)}
    if "name" in row.detail and row.subject == words.names[0] and row.action.startswith("accounts."):
        detail |= {"name": words.instead}  # What the account itself was called.
    return detail
