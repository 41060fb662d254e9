"""Finding and changing tiers: PostgreSQL first, then the mirrors of all accounts in the tier, then the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core import accounts_store, tiers_store
from app.core.accounts import forward
from app.core.problems import FieldError, Problem, ProblemType
from app.core.tiers import TIER_NAME, Tier

if TYPE_CHECKING:
    from datetime import datetime
    from typing import NoReturn

    from app.core.database import Database
    from app.core.mirror import AccountMirror
    from app.core.tiers import Limits, Overrides


class Tiers:
    """Use cases of tiers; they raise as those of accounts do."""

    def __init__(self, database: Database, mirror: AccountMirror) -> None:
        self._database = database
        self._mirror = mirror

    def every(self) -> list[Tier]:
        """Return all tiers, smallest first."""
        with self._database.begin() as connection:
            return tiers_store.every(connection)

    def get(self, name: str) -> Tier:
        """Return a tier."""
        with self._database.begin() as connection:
            tier = tiers_store.find(connection, name) if TIER_NAME.fullmatch(name) else None
        return tier or _missing(name)

    def put(self, name: str, limits: Limits, now: datetime) -> bool:
        """Give a tier its limits, and create it when it is new: then the answer is True."""
        if not TIER_NAME.fullmatch(name):
            rule = "must be 1 to 63 small letters, digits, - and _, and begin with a letter or a digit"
            raise Problem(ProblemType.INVALID_REQUEST, "The tier is not valid.", (FieldError(rule, field="name"),))
        with self._database.begin() as connection:
            before = tiers_store.find(connection, name, lock=True)
            instant = now if before is None else forward(now, before.updated_at)
            tiers_store.save(connection, Tier(name=name, limits=limits, updated_at=instant))
            concerned = accounts_store.advance_tier(connection, name, now)
        self._mirror.write(*concerned)
        return before is None

    def change(self, name: str, change: Overrides, now: datetime) -> Tier:
        """Change some limits of a tier."""
        if not TIER_NAME.fullmatch(name):
            _missing(name)
        with self._database.begin() as connection:
            before = tiers_store.find(connection, name, lock=True) or _missing(name)
            after = Tier(name=name, limits=change.applied_to(before.limits), updated_at=forward(now, before.updated_at))
            tiers_store.save(connection, after)
            concerned = accounts_store.advance_tier(connection, name, now)
        self._mirror.write(*concerned)
        return after


def _missing(name: str) -> NoReturn:
    raise Problem(ProblemType.NOT_FOUND, f"There is no tier {name}.")
