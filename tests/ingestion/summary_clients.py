"""Clients of `GET /accounts/{id}/summary`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from app.core.http.body import BodyReaders
from app.core.http.guard import Guard
from app.core.key_usage import KeyUsage
from app.core.shard_directory import ShardDirectory
from app.factory import create_app
from ingestion.admission.scripts import Scripts
from ingestion.summary.cache import SummaryCache
from ingestion.summary.rate import SummaryRate
from ingestion.summary.service import Summaries
from ingestion.summary.sources import Source
from ingestion.summary.summary_store import SummaryStore
from ingestion.summary_api import blueprint

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from app.core.authentication import Authenticator
    from app.core.database import Database
    from app.core.valkey import Valkey


def make_client(
    database: Database,
    valkey: Valkey,
    authenticator: Authenticator,
    cache: Valkey | None = None,
    usage: KeyUsage | None = None,
) -> FlaskClient:
    summaries = Summaries(
        Source(SummaryStore(database), timedelta(seconds=5)),
        SummaryCache(cache or valkey, keep_s=60, beside_limits=cache is None),
        stale_s=60,
    )
    readers = BodyReaders(deadline_s=5, most=8)
    rate = SummaryRate(Scripts(valkey), ShardDirectory(valkey))
    routes = blueprint(summaries, Guard(authenticator), rate, usage or KeyUsage(database))
    return create_app([routes], readers=readers, base_url="http://127.0.0.1").test_client()


def get(
    client: FlaskClient,
    key: str,
    account: str = "acme",
    query: str = "window=1h",
    headers: dict[str, str] | None = None,
) -> TestResponse:
    authorization = {"Authorization": f"Bearer {key}"}
    return client.get(f"/accounts/{account}/summary?{query}", headers=authorization | (headers or {}))
