"""The SLOs of an account that is erased.

Those that count it alone, or a service of its own, go with all that they ever were. Those that count it beside others
stay: where they name the account stands what stands for it, which counts the same from now on, because no account is
called so. Rules over events begin to count anew then, in the background.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from app.core.counting import counting_store
from app.core.erasure import erasures_store
from reporting.catalogue import catalogue_store
from reporting.catalogue.catalogue import require_rules
from reporting.catalogue.documents import UnreadableDocumentError, definition_of
from reporting.definitions.openslo import SLO
from reporting.erasure import slos_store
from reporting.evaluation.request_filter import named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.database import Database
    from app.core.erasure.erasure import Erasure
    from app.core.erasure.words import Words
    from reporting.catalogue.catalogue_store import StoredVersion


_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


_CALLED = frozenset({"name", "alertPolicyRef", "conditionRef", "indicatorRef", "metricSourceRef", "targetRef"})


class EraseSLOs:
    """Thread-safe; raises `DependencyError`. All of it is one short transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, erasure: Erasure, now: datetime) -> Iterator[dict[str, int]]:
        """Yield rows by table. Names of SLOs that are gone, and say whose they were, are added to the erasure's labels."""
        words = erasure.names
        with self._database.begin() as connection:
            catalogue_store.hold(connection)
            versions = catalogue_store.versions(connection)
            gone = [
                name
                for name, found in groupby(versions, key=lambda version: version.name)
                if _is_own(list(found), erasure)
            ]
            # An SLO such as `latency-of-acme` tells whose it was, wherever it is named.
            telling = [name for name in (*gone, *erasure.services) if words.names[0].lower() in name.lower()]
            words = words.with_labels(telling)
            if words != erasure.names:
                erasures_store.learn(connection, erasure.digest, labels=words.labels, services=erasure.services)
            counts = slos_store.delete_slos(connection, SLO.__name__, gone) if gone else {}
            counts |= {
                "slo_versions": counts.get("slo_versions", 0) + _rewrite_versions(connection, words),
                "slo_objects": counts.get("slo_objects", 0) + _rewrite_objects(connection, words),
                "counting_rules": _drop_rules(connection, words),
            }
            if any(counts.values()):
                require_rules(connection, now)
        yield counts


def _is_own(versions: Sequence[StoredVersion], erasure: Erasure) -> bool:
    """Say whether an SLO, as it was promised last, counts the account or its services alone."""
    documents = [version.document for version in versions if version.document is not None]
    try:
        total = definition_of(documents[-1]).indicator.total if documents else None
    except UnreadableDocumentError:
        return False
    if total is None:
        return False
    accounts, services = named(total, "account_id"), named(total, "service")
    return accounts == frozenset(erasure.names.names[:1]) or bool(services and services <= set(erasure.services))


def _rewrite_versions(connection: Connection, words: Words) -> int:
    rewritten = 0
    for version in catalogue_store.versions(connection):
        document = None if version.document is None else _without(version.document, words)
        after = version._replace(applied_by=words.signed(version.applied_by), document=document)
        if after != version:
            slos_store.rewrite_version(connection, version, after)
            rewritten += 1
    return rewritten


def _rewrite_objects(connection: Connection, words: Words) -> int:
    rewritten = 0
    for stored in catalogue_store.objects(connection):
        after = stored._replace(document=_without(stored.document, words))
        if after != stored:
            slos_store.rewrite_object(connection, stored, after)
            rewritten += 1
    return rewritten


def _drop_rules(connection: Connection, words: Words) -> int:
    rules = counting_store.rules(connection)
    naming = [rule.rule_id for rule in rules if words.named_within(msgspec.json.decode(rule.filters))]
    if naming:
        counting_store.hold_alone(connection)
        slos_store.delete_rules(connection, naming)
    return len(naming)


def _without(document: str, words: Words) -> str:
    """Return JSON without the names; every number in it stays as it is, and so does what objects are called."""
    written = _decode(document)
    cleaned = words.without(written, others=_CALLED)
    return document if cleaned == written else _encode(cleaned).decode()
