"""Goes through every table once and deletes, adds up or rewrites what an account has there, some rows a transaction.

Each step counts in its own transaction what it has done; then others may do as much.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from app.core.erasure import erasures_store, purge_store, words_store
from app.core.erasure.rules import RULES, Fate
from app.core.failpoints import failpoint
from app.core.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Table

    from app.core.database import Database
    from app.core.erasure.erasure import Erasure
    from app.core.erasure.purge_store import Key

_SCANNED = 5_000
"""Rows that are looked at in a step for what they say."""
_LONGEST_REST_S = 0.5


class Purge:
    """One time through every table, by the rules of each."""

    def __init__(self, database: Database, erasure: Erasure, step: int) -> None:
        self._database = database
        self._erasure = erasure
        self._account_id = erasure.names.names[0]
        self._services = sorted(erasure.services)
        self._step = step

    def run(self) -> Iterator[int]:
        """Yield how many rows were deleted or changed after each step, in no transaction."""
        yield self._once("report_sends", self._sends)
        for name, rule in RULES.items():
            table = metadata.tables[name]
            if rule.fate is Fate.SUMS:
                yield from self._repeat(name, partial(self._fold, table))
            elif rule.fate is Fate.ROWS:
                yield from self._rows(table)
            if rule.service is not None:
                yield from self._of_services(table, rule.service)
        yield from self._repeat("telemetry_names", self._claims)
        # Last, so that rows which are deleted anyway are not rewritten before.
        for name, rule in RULES.items():
            if rule.texts:
                yield from self._texts(name)

    def _rows(self, table: Table) -> Iterator[int]:
        if purge_store.key_of(table)[0].name == "account_id":
            return self._led(table, (self._account_id,))
        return self._repeat(table.name, partial(self._where, table, "account_id"))

    def _of_services(self, table: Table, column: str) -> Iterator[int]:
        key = [each.name for each in purge_store.key_of(table)]
        if key[0] == column:
            for service in self._services:
                yield from self._led(table, (service,))
        elif key[:2] == ["account_id", column]:
            # Requests of others to its services are told apart by account: they go with the service.
            for service in self._services:
                yield from self._of_service(table, service)
        elif self._services:
            yield from self._repeat(table.name, partial(self._where, table, column))

    def _of_service(self, table: Table, service: str) -> Iterator[int]:
        """Look at many accounts a statement, and go to those alone that have rows of the service."""
        last, more = "", True
        while more:
            with self._database.begin() as connection:
                page = purge_store.counted_accounts(connection, table, service, since=last, limit=self._step + 1)
            for account, there in page:
                if there:
                    yield from self._led(table, (account, service))
            yield 0
            more = len(page) > self._step
            last = page[-1][0] if page else ""

    def _led(self, table: Table, leading: Key) -> Iterator[int]:
        behind = None
        while True:

            def step(connection: Connection, behind: Key | None = behind) -> tuple[int, Key | None]:
                return purge_store.delete_led(connection, table, leading, behind=behind, limit=self._step)

            rows, behind = self._one(table.name, step)
            yield rows
            if behind is None:
                return

    def _texts(self, name: str) -> Iterator[int]:
        table, rule, words = metadata.tables[name], RULES[name], self._erasure.names
        behind = None
        while True:
            with self._database.begin() as connection:
                until = words_store.last_of_page(connection, table, behind, limit=_SCANNED)
                rows = words_store.replace(connection, table, rule, words, behind=behind, until=until)
                self._count(connection, name, rows)
            yield rows
            if until is None:
                return
            behind = until

    def _repeat(self, name: str, step: Callable[[Connection], int]) -> Iterator[int]:
        while rows := self._once(name, step):
            yield rows
        yield 0

    def _once(self, name: str, step: Callable[[Connection], int]) -> int:
        return self._one(name, lambda connection: (step(connection), None))[0]

    def _one(self, name: str, step: Callable[[Connection], tuple[int, Key | None]]) -> tuple[int, Key | None]:
        """Do a step in a transaction of its own, then let others do as much."""
        begun = time.monotonic()
        with self._database.begin() as connection:
            rows, last = step(connection)
            self._count(connection, name, rows)
            if rows:
                failpoint("erasure.before_commit")
        if rows:
            failpoint("erasure.after_commit")
            time.sleep(min(time.monotonic() - begun, _LONGEST_REST_S))
        return rows, last

    def _count(self, connection: Connection, name: str, rows: int) -> None:
        if rows:
            erasures_store.count(connection, self._erasure.digest, name, rows)

    def _sends(self, connection: Connection) -> int:
        return purge_store.delete_sends(connection, self._account_id, self._services)

    def _claims(self, connection: Connection) -> int:
        return purge_store.delete_claims(connection, self._account_id, limit=self._step)

    def _fold(self, table: Table, connection: Connection) -> int:
        return purge_store.FOLDS[table.name](connection, self._account_id, limit=self._step)

    def _where(self, table: Table, column: str, connection: Connection) -> int:
        values = [self._account_id] if column == "account_id" else self._services
        return purge_store.delete_where(connection, table, column, values, limit=self._step)
