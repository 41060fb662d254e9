"""A worker's `/metrics`: for the bearers for whom the API has it, or for whoever is on this machine where nobody else gets in."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from app.core.authentication import Authenticator
from app.core.errors import DependencyError
from app.core.http.addresses import FORWARDED, is_loopback
from app.core.key_usage import KeyUsage
from app.core.keys import Scope
from app.core.metrics.exposition import CONTENT_TYPE
from app.core.mirror import AccountMirror
from app.core.problems import Problem
from app.core.repeating import Repeating
from app.core.shard_directory import ShardDirectory
from app.probes import Page, refusal

if TYPE_CHECKING:
    from email.message import Message

    from app.core.database import Database
    from app.core.metrics.exposition import Exposition
    from app.core.settings import Settings
    from app.core.valkey import Valkey

_FLUSH_USAGE_S = 10.0
_COME_BACK = ("Retry-After", "5")
_ASK = ("WWW-Authenticate", 'Bearer realm="slipstream"')
_FORWARDED = tuple(name.removeprefix("HTTP_").replace("_", "-") for name in FORWARDED)


class MetricsPage:
    """Asks for a bearer unless the worker listens on a loopback address and no proxy has forwarded the request.

    `usage` writes down when keys were used; whoever has this page runs it.
    """

    def __init__(self, exposition: Exposition, settings: Settings, database: Database, valkey: Valkey) -> None:
        usage = KeyUsage(database)
        self.usage = Repeating("key usage", usage.flush, interval_s=_FLUSH_USAGE_S)
        self._exposition = exposition
        self._valkey = valkey
        self._local = is_loopback(settings.worker_host)
        self._authenticator = Authenticator(
            valkey=valkey,
            mirror=AccountMirror(database, valkey),
            shards=ShardDirectory(valkey),
            usage=usage,
            admin_token=settings.admin_token,
        )

    def __call__(self, headers: Message) -> Page:
        refused = None if self._local and not any(name in headers for name in _FORWARDED) else self._refusal(headers)
        return refused or Page(HTTPStatus.OK, CONTENT_TYPE, self._exposition.render())

    def _refusal(self, headers: Message) -> Page | None:
        try:
            principal = self._authenticator.authenticate(headers["Authorization"], datetime.now(UTC))
        except Problem as problem:
            return refusal(HTTPStatus(problem.type.status), problem.detail, _ASK)
        except DependencyError as error:
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE, f"{error.dependency}: {error.detail}", _COME_BACK)
        finally:
            # Each request has a thread of its own, and a thread its connection.
            self._valkey.forget()
        if principal.has(Scope.ADMIN):
            return None
        return refusal(HTTPStatus.FORBIDDEN, f"The key lacks the scope {Scope.ADMIN}.")
