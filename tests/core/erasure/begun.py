"""An erasure that has just been asked for."""

from __future__ import annotations

from datetime import UTC, datetime

from app.core.erasure.erasure import Erasure


def begun(account_id: str, *words: str) -> Erasure:
    """Return that of an account, which people have called by these words."""
    return Erasure(
        digest=bytes(32),
        account_id=account_id,
        words=words,
        labels=(),
        services=(),
        requested_by="operator",
        requested_at=datetime.now(UTC),
        purged_at=None,
        done_at=None,
        counts={},
    )
