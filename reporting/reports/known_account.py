"""Reports are of accounts that exist: of one that was erased there is nothing to tell, and a row would name it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core import accounts_store
from app.domain.shards import ACCOUNT_ID
from reporting.reports.figures.scoping import UnknownScopeError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from reporting.reports.model import Scope


def check_account(connection: Connection, scope: Scope) -> None:
    """Raise `UnknownScopeError` for an account that is not there."""
    account_id = scope.account_id
    if account_id is None:
        return
    if not ACCOUNT_ID.fullmatch(account_id) or accounts_store.find(connection, account_id) is None:
        raise UnknownScopeError(f"there is no account {account_id}")
