"""Subscriptions, as people make, leave and end them."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from app.core.problems import FieldError, Problem, ProblemType
from app.domain.calendar import UnknownZoneError
from reporting.reports import subscriptions_store
from reporting.reports.delivery_recipients import need_mail, read_recipients
from reporting.reports.figures.scoping import UnknownScopeError
from reporting.reports.figures.scoping import check as check_scope
from reporting.reports.known_account import check_account
from reporting.reports.schedule import first_period
from reporting.reports.subscription_links import LinkError, digest_of
from reporting.reports.subscriptions import Subscription

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database
    from app.domain.calendar import Period
    from reporting.reports.archive import Paper
    from reporting.reports.schedule import Rhythm
    from reporting.reports.subscription_links import SubscriptionLinks

MOST_LISTED = 1_000
_NONE = "There is no such subscription."
_MOVED = "Somebody has left the list, or it was changed, since you looked at it. Look at it as it is now, and change it again."


class AudienceMovedError(Problem):
    """The audience is another than the one that was looked at: to write over it might put somebody back who has left."""

    def __init__(self) -> None:
        super().__init__(ProblemType.CONFLICT, _MOVED)


class SubscriptionMovedError(Problem):
    """It is another than the one that was looked at: to write over it would undo what somebody else has changed."""

    def __init__(self) -> None:
        super().__init__(ProblemType.CONFLICT, _MOVED)


class Subscriptions:
    """Thread-safe. Methods raise `Problem` and `DependencyError`. `can_mail` says whether there is a mail server."""

    def __init__(self, database: Database, links: SubscriptionLinks, *, can_mail: bool) -> None:
        self._database = database
        self._links = links
        self._can_mail = can_mail

    def all(self) -> Sequence[Subscription]:
        """Return the subscriptions that hold, the last to be made first."""
        with self._database.begin() as connection:
            return subscriptions_store.all_of_them(connection, limit=MOST_LISTED)

    def add(self, rhythm: Rhythm, now: datetime, *, audience: Sequence[str], paper: Paper, by: str) -> Subscription:
        """Subscribe addresses, from the period on that is going on. Of nobody, reports are made for the archive."""
        addresses, first = self._read(rhythm, audience, now)
        subscription = Subscription(
            subscription_id=f"sub_{secrets.token_hex(10)}",
            rhythm=rhythm,
            audience=addresses,
            paper=paper,
            author=by,
            created_at=now,
            next_period=first.name,
            due_at=rhythm.due_at(first),
        )
        with self._database.begin() as connection:
            _check_account(connection, rhythm)
            subscriptions_store.add(connection, subscription)
        return subscription

    def get(self, subscription_id: str) -> Subscription:
        """Return a subscription that holds."""
        with self._database.begin() as connection:
            return _found(subscriptions_store.find(connection, subscription_id))

    def change(
        self,
        subscription_id: str,
        rhythm: Rhythm,
        now: datetime,
        *,
        audience: Sequence[str],
        seen: str,
        paper: Paper,
        digest: str | None = None,
    ) -> Subscription:
        """Change which reports are sent to whom and when. The next one stays the next, unless weeks become months.

        `seen` is the digest of the audience that was looked at; raises `AudienceMovedError` when it is another by now. With the
        `digest` of the rest as it was looked at, raises `SubscriptionMovedError` in the same way.
        """
        addresses, first = self._read(rhythm, audience, now)
        with self._database.begin() as connection:
            held = _found(subscriptions_store.find(connection, subscription_id, lock=True))
            if held.audience_digest != seen:
                raise AudienceMovedError
            if digest not in {None, held.digest}:
                raise SubscriptionMovedError
            _check_account(connection, rhythm)
            upcoming = rhythm.order(held.next_period).span if rhythm.kind is held.rhythm.kind else first
            changed = replace(
                held,
                rhythm=rhythm,
                audience=addresses,
                paper=paper,
                next_period=upcoming.name,
                due_at=rhythm.due_at(upcoming),
            )
            subscriptions_store.change(connection, changed)
        return changed

    def _read(self, rhythm: Rhythm, audience: Sequence[str], now: datetime) -> tuple[tuple[str, ...], Period]:
        """Return the addresses, and the first period of a rhythm. Raises `Problem`."""
        addresses = read_recipients(audience, "audience")
        if addresses:
            need_mail(can_mail=self._can_mail)
        try:
            check_scope(rhythm.scope)
            return addresses, first_period(rhythm, now)
        except UnknownZoneError as error:
            raise _invalid("timezone", error) from None
        except UnknownScopeError as error:
            raise _invalid("account_id", error) from None

    def remove(self, subscription_id: str, now: datetime) -> None:
        """End a subscription."""
        with self._database.begin() as connection:
            if not subscriptions_store.remove(connection, subscription_id, now):
                raise Problem(ProblemType.NOT_FOUND, _NONE)

    def look(self, token: str, now: datetime) -> tuple[Subscription, str | None]:
        """Return the subscription of a link and its address, None when it has left; nothing changes. Raises `LinkError`."""
        subscription_id, digest = self._links.read(token, now, self._database)
        with self._database.begin() as connection:
            subscription = subscriptions_store.find(connection, subscription_id)
        if subscription is None:
            raise LinkError
        return subscription, _address(subscription, digest)

    def named(self, token: str, now: datetime) -> str:
        """Return the id of a link's subscription, which may have ended. Raises `LinkError`."""
        return self._links.read(token, now, self._database)[0]

    def leave(self, token: str, now: datetime) -> None:
        """Take the address of a link out of its subscription; again, or after its end, changes nothing. Raises `LinkError`."""
        subscription_id, digest = self._links.read(token, now, self._database)
        with self._database.begin() as connection:
            subscription = subscriptions_store.find(connection, subscription_id, lock=True)
            address = None if subscription is None else _address(subscription, digest)
            if subscription is not None and address is not None:
                rest = [each for each in subscription.audience if each != address]
                subscriptions_store.set_audience(connection, subscription_id, rest)


def _check_account(connection: Connection, rhythm: Rhythm) -> None:
    try:
        check_account(connection, rhythm.scope)
    except UnknownScopeError as error:
        raise _invalid("account_id", error) from None


def _invalid(field: str, error: Exception) -> Problem:
    errors = (FieldError(str(error), field=field),)
    return Problem(ProblemType.INVALID_REQUEST, "The subscription is not valid.", errors)


def _found(subscription: Subscription | None) -> Subscription:
    if subscription is None:
        raise Problem(ProblemType.NOT_FOUND, _NONE)
    return subscription


def _address(subscription: Subscription, digest: str) -> str | None:
    return next((address for address in subscription.audience if digest_of(address) == digest), None)
