"""Puts hostile words into every field that the platform stores, by the ways that its users have."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from app.core import users_store
from app.core.roles import Role
from app.core.users import User
from ingestion import dead_letters_store
from ingestion.dead_letters import DeadLetter, LetterId, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from app.core.database import Database

_REFUSED = frozenset({400, 404, 405, 409, 422})


@dataclass
class Planting:
    """`taken` are the words by field that were stored; what was not, was refused by its name."""

    app: Flask
    database: Database
    token: str
    key: str
    words: tuple[str, ...]
    taken: dict[str, list[str]] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)
    ids: dict[str, list[str]] = field(default_factory=dict)

    @property
    def client(self) -> FlaskClient:
        """Somebody who asks."""
        return self.app.test_client()

    def send(self, method: str, path: str, what: str, word: str, body: Any, key: str = "") -> Any:
        """Send a body with a word in one field; its refusal names the field, or the address that is made of it."""
        headers = {"Authorization": f"Bearer {key or self.token}", "User-Agent": _as_header(word)}
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "application/yaml" if path == "/slos" else "application/json"
        answer = self.client.open(path, method=method, data=text, content_type=kind, headers=headers)
        if answer.status_code < 300:
            self.taken.setdefault(what, []).append(word)
            return answer.json
        if answer.status_code not in _REFUSED or not _names(answer, what):
            self.odd.append(f"{method} {path} {what} {word!r}: {answer.status_code} {answer.text}")
        return None

    def keep(self, kind: str, identifier: str) -> None:
        self.ids.setdefault(kind, []).append(identifier)


def plant(planting: Planting) -> None:
    """Put every word everywhere."""
    for number, word in enumerate(planting.words):
        _accounts(planting, number, word)
        _events(planting, word, planting.key)
        _slos(planting, number, word)
        _incidents(planting, word)
        _plans(planting, word)
    _letters(planting.database, [word for word in planting.words if word.isprintable()])
    _users(planting.database, [word for word in planting.words if word.isprintable()])


def _accounts(planting: Planting, number: int, word: str) -> None:
    account = {"account_id": f"hostile-{number}", "name": f"Fine {number}", "tier": "free"}
    planting.send("POST", "/accounts", "name", word, account | {"name": word})
    planting.send("POST", "/accounts", "account_id", word, account | {"account_id": word})
    planting.send("POST", "/accounts", "tier", word, account | {"account_id": f"tier-{number}", "tier": word})
    planting.send("PATCH", f"/accounts/hostile-{number}", "name", word, {"name": word})
    planting.send("POST", "/keys", "scopes", word, {"account_id": "acme", "scopes": [word]})


def _events(planting: Planting, word: str, key: str) -> None:
    event = {"event_id": "1", "type": "x", "payload": {}}
    for what, changed in (
        ("event_id", {"event_id": word}),
        ("type", {"type": word}),
        ("payload", {"payload": {"note": word}}),
        ("payload", {"payload": {word: 1}}),
        ("timestamp", {"timestamp": word}),
    ):
        planting.send("POST", "/events", what, word, {"events": [event | changed]}, key)
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    request = {"timestamp": now, "route": "/pay", "method": "GET", "status": 503, "duration_ms": 1}
    for what in ("route", "method", "reason", "tier"):
        body = {"service": "shop", "requests": [request | {what: word}]}
        planting.send("POST", "/telemetry", what, word, body, key)
    planting.send("POST", "/telemetry", "service", word, {"service": word, "requests": [request]}, key)


def _slos(planting: Planting, number: int, word: str) -> None:
    fine = {"name": f"hostile-{number}", "displayname": "Fine", "description": "Fine", "labels": "x", "route": "/pay"}
    planting.send("PUT", "/slos", "name", word, _slo(fine | {"name": word}))
    if word.isprintable():
        everywhere = dict.fromkeys(("description", "labels"), word) | {"route": f"/{word}"}
        planting.send("PUT", "/slos", "description", word, _slo(fine | everywhere | {"displayname": word}))
    else:
        planting.send("PUT", "/slos", "displayname", word, _slo(fine | {"displayname": word}))


def _slo(given: dict[str, str]) -> Any:
    def metric(**more: str) -> Any:
        filters = {"route": given["route"]} | more
        return {"metricSource": {"type": "slipstream", "spec": {"source": "requests", "filter": filters}}}

    ratio = {"counter": True, "good": metric(status="<500"), "total": metric()}
    labels = {"owner": [given["labels"]]}
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": given["name"], "displayName": given["displayname"], "labels": labels},
        "spec": {
            "description": given["description"],
            "service": "shop",
            "indicator": {"metadata": {"name": "sli"}, "spec": {"ratioMetric": ratio}},
            "timeWindow": [{"duration": "30d", "isRolling": True}],
            "budgetingMethod": "Occurrences",
            "objectives": [{"target": 0.99}],
        },
    }


def _incidents(planting: Planting, word: str) -> None:
    began = datetime.now(UTC) - timedelta(hours=1)
    incident = {"service": "shop", "title": "Fine", "started_at": began.isoformat(), "severity": "page"}
    action = {"text": "Fine", "owner": "Ada", "due": "2026-12-01", "done": False}
    for what, changed in (
        ("title", {"title": word}),
        ("service", {"service": word}),
        ("root_cause", {"root_cause": word}),
        ("text", {"actions": [action | {"text": word}]}),
        ("owner", {"actions": [action | {"owner": word}]}),
        ("severity", {"severity": word}),
    ):
        made = planting.send("POST", "/incidents", what, word, incident | changed)
        if made is not None:
            planting.keep("incident", made["incident_id"])
    if not planting.ids.get("incident"):
        return
    incident_id = planting.ids["incident"][-1]
    planting.send("POST", f"/incidents/{incident_id}/publish", "title", word, {"title": word})
    planting.send("POST", f"/incidents/{incident_id}/publish", "nothing", word, {})
    told = {"status": "identified", "text": word}
    planting.send("POST", f"/incidents/{incident_id}/updates", "text", word, told)


def _plans(planting: Planting, word: str) -> None:
    begins = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(hours=1)
    ends = begins + timedelta(hours=3)
    window = {
        "service": "shop",
        "starts_at": begins.isoformat(),
        "ends_at": ends.isoformat(),
        "reason": "Fine",
        "author": "Ada",
    }
    for what in ("service", "reason", "author", "rrule", "timezone"):
        planting.send("POST", "/maintenance", what, word, window | {what: word})
    silence = {"service": "shop", "ends_at": ends.isoformat(), "reason": "Fine"}
    for what in ("service", "slo", "reason"):
        planting.send("POST", "/silences", what, word, silence | {what: word})
    subscription = {"kind": "weekly", "audience": ["mia@example.org"], "timezone": "UTC"}
    for what, changed in (
        ("audience", {"audience": [word]}),
        ("timezone", {"timezone": word}),
        ("kind", {"kind": word}),
    ):
        planting.send("POST", "/report-subscriptions", what, word, subscription | changed)
    planting.send("POST", "/reports", "timezone", word, {"kind": "monthly", "period": "2026-10", "timezone": word})


def _letters(database: Database, words: Iterable[str]) -> None:
    now = datetime.now(UTC)
    letters = [
        DeadLetter(
            account_id="acme",
            id=LetterId(f"07n-1732269000{number:03}-0", 0),
            event_id=word,
            type=word,
            reason=Reason.REFUSED_BY_STORE,
            detail=word,
            attempts=1,
            body=json.dumps({"event_id": "1", "type": word, "payload": {word: word}}).encode(),
            received_at=now,
            died_at=now,
        )
        for number, word in enumerate(words)
    ]
    with database.begin() as connection:
        dead_letters_store.insert_letters(connection, letters)


def _users(database: Database, words: Iterable[str]) -> None:
    """Names may come from where the organisation signs in, so they are anybody's."""
    now = datetime.now(UTC)
    with database.begin() as connection:
        for word in words:
            user = User(username=word, role=Role.VIEWER, disabled=False, created_at=now, updated_at=now)
            users_store.insert_new(connection, user, "not a hash")


def _names(answer: TestResponse, what: str) -> bool:
    """Tell whether a refusal says which field it is about; a 404 or 400 is about the address or the whole body."""
    body = answer.json
    if answer.content_type != "application/problem+json" or body is None:
        return False
    said = json.dumps(body).lower()
    unreadable = answer.status_code != 422 or "is not yaml" in said
    return unreadable or what in said or (what in {"text", "owner"} and "actions" in said)


def _as_header(word: str) -> str:
    return "".join(char for char in word if " " <= char < "\x7f")
