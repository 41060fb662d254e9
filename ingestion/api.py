"""`POST /events` and `GET /batches/{batch_id}`."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from flask import Blueprint, g

from app.core.authentication import bearer_token
from app.core.errors import DependencyError
from app.core.failpoints import failpoint
from app.core.http.body import LARGEST_BODY, body_of
from app.core.http.errors import as_problem
from app.core.http.express import express, ready_json
from app.core.http.operations import describe
from app.core.http.recording import recorded_otherwise
from app.core.http.rendering import json_response
from app.core.keys import Scope, parse_key
from app.core.problems import Problem, ProblemType
from ingestion.admission.verdict import Refusal
from ingestion.api_description import GET_BATCH, POST_EVENTS, Accepted
from ingestion.events.compression import inflate
from ingestion.events.decode import decode_batch
from ingestion.idempotency import REPLAYED_HEADER, idempotency_key

if TYPE_CHECKING:
    from datetime import timedelta
    from wsgiref.types import WSGIEnvironment

    from werkzeug.wrappers import Response

    from app.core.http.doorstep import Visit
    from app.core.http.express import About, Ready
    from app.core.http.guard import Guard
    from app.core.keys import PresentedKey
    from app.core.metrics.event_metrics import AdmissionMetrics
    from ingestion.admission.admission import Ticket
    from ingestion.admission.gate import Gate
    from ingestion.admission.standing import Standing
    from ingestion.admission.verdict import Receipt
    from ingestion.batch_status import BatchStatuses
    from ingestion.events.model import DecodedBatch

_CE = "HTTP_CE_"
_MUST_HAVE = tuple(_CE + name for name in ("ID", "SOURCE", "SPECVERSION", "TYPE"))
_ACCEPTED = "202 ACCEPTED"
_LIGHT = 65_536
"""Bytes of a body that are decoded before anybody has looked at the key: the admission script does, in its round trip."""
NOT_AN_ACCOUNT = "That is the operator's token. Events and batches belong to an account: use a key of the account."
_REPLAYED = {REPLAYED_HEADER: "true"}


def blueprint(
    guard: Guard,
    gate: Gate,
    batches: BatchStatuses,
    *,
    retention: timedelta,
    metrics: AdmissionMetrics,
) -> Blueprint:
    """Return the routes by which events come in."""
    routes = Blueprint("ingestion", __name__)
    door = _Door(guard, gate, retention)

    @routes.post("/events")
    @guard.by_admission
    @recorded_otherwise("Every event is stored once, or dead, and counted.")
    @describe(POST_EVENTS)
    @express
    def post_events(environ: WSGIEnvironment, about: About) -> Ready:
        try:
            receipt = door.receive(environ, about)
        except Problem as problem:
            metrics.refused(problem.type.slug)
            raise
        except DependencyError as error:
            metrics.refused(as_problem(error).type.slug)
            raise
        failpoint("ingest.admitted")
        accepted = Accepted(receipt.batch_id, receipt.accepted)
        if receipt.replayed:
            return ready_json(accepted, _ACCEPTED, _REPLAYED)
        metrics.accepted(receipt.accepted, tier=receipt.tier)
        return ready_json(accepted, _ACCEPTED)

    @routes.get("/batches/<batch_id>")
    @guard.scope(Scope.EVENTS_WRITE)
    @describe(GET_BATCH)
    def get_batch(batch_id: str) -> Response:
        if g.principal.account_id is None:
            raise Problem(ProblemType.FORBIDDEN, NOT_AN_ACCOUNT)
        status = batches.find(g.principal.account_id, batch_id)
        if status is None:
            raise Problem(ProblemType.NOT_FOUND, "There is no such batch.")
        return json_response(status)

    return routes


class _Entrant(NamedTuple):
    """Who has come in: how he came, by which key, and what the gate gave him."""

    visit: Visit
    key: PresentedKey
    ticket: Ticket


class _Door:
    """Takes a request's events in: its key's form, the gate, its body, its events, and then the admission script."""

    def __init__(self, guard: Guard, gate: Gate, retention: timedelta) -> None:
        self._guard = guard
        self._gate = gate
        self._retention = retention
        # The interpreter runs one thread at a time. Sixteen that decode at once would take it from each other every 5 ms, and who
        # only refuses a request would wait for each of them.
        self._decoding = threading.Lock()

    def receive(self, environ: WSGIEnvironment, about: About) -> Receipt:
        visit = self._guard.visit(environ)
        key = self._presented_key(environ, about, visit)
        try:
            ticket = self._gate.enter(key, datetime.now(UTC))
        except Refusal as refusal:
            _note(about, key, refusal.standing)
            raise
        entrant = _Entrant(visit, key, ticket)
        try:
            repeated_key = idempotency_key(environ.get("HTTP_IDEMPOTENCY_KEY"))
            body = body_of(environ)
            place = self._gate.place(key, datetime.now(UTC), ticket)
        except Refusal as refusal:
            _note(about, key, refusal.standing)
            raise
        except Problem as problem:
            self._spoiled(environ, about, problem, entrant)
            raise
        with place:
            return self._admit(environ, about, body, entrant, repeated_key)

    def _admit(
        self, environ: WSGIEnvironment, about: About, body: bytes, entrant: _Entrant, repeated_key: str | None
    ) -> Receipt:
        visit, key, ticket = entrant
        try:
            batch = self._decode(environ, body, key)
        except Problem as problem:
            self._spoiled(environ, about, problem, entrant)
            raise
        now = datetime.now(UTC)
        try:
            receipt = self._gate.admit(key, batch, idempotency_key=repeated_key, now=now, ticket=ticket)
        except Refusal as refusal:
            visit.known()
            _note(about, key, refusal.standing)
            raise
        except Problem:
            visit.failed()
            raise
        visit.known()
        _note(about, key, receipt.standing)
        return receipt

    def _presented_key(self, environ: WSGIEnvironment, about: About, visit: Visit) -> PresentedKey:
        """Read the key; whether it is valid is for the admission script to say, unless its body is worth a look at the key."""
        try:
            key = parse_key(bearer_token(environ.get("HTTP_AUTHORIZATION")))
        except Problem:
            visit.failed()
            raise
        if key is None or (_is_heavy(environ) and not self._gate.knows(key)):
            self._guard.check_for(environ, Scope.EVENTS_WRITE, about, visit)
        if key is None:
            raise Problem(ProblemType.FORBIDDEN, NOT_AN_ACCOUNT)
        return key

    def _spoiled(self, environ: WSGIEnvironment, about: About, problem: Problem, entrant: _Entrant) -> None:
        """A stranger is told that he is one, whatever else he did wrong; an account's own mistakes count as its own."""
        visit, key, ticket = entrant
        if problem.type is not ProblemType.OVERLOADED:
            self._guard.check_for(environ, Scope.EVENTS_WRITE, about, visit)
            _note(about, key, self._gate.spoiled(key, problem, datetime.now(UTC), ticket))

    def _decode(self, environ: WSGIEnvironment, body: bytes, key: PresentedKey) -> DecodedBatch:
        if not body and environ.get("HTTP_TRANSFER_ENCODING"):
            # Chunks that broke off look like those that ended, and a CloudEvent without data would keep out its own repeat.
            raise Problem(ProblemType.MALFORMED_REQUEST, "Nothing of the body has arrived.")
        body = inflate(body, environ.get("HTTP_CONTENT_ENCODING"), limit=LARGEST_BODY)
        with self._decoding:
            return decode_batch(
                body,
                environ.get("CONTENT_TYPE", ""),
                _attributes(environ),
                account_id=key.account_id,
                now=datetime.now(UTC),
                retention=self._retention,
            )


def _is_heavy(environ: WSGIEnvironment) -> bool:
    """Tell whether a stranger could have much work done for him: a body to inflate, or a long or endless one."""
    length = environ.get("CONTENT_LENGTH", "")
    return bool(environ.get("HTTP_CONTENT_ENCODING")) or not length.isdigit() or int(length) > _LIGHT


def _note(about: About, key: PresentedKey, standing: Standing | None) -> None:
    """Let telemetry know whose request it is, and the client what is left to him."""
    if standing is not None:
        about.account_id, about.tier, about.headers = key.account_id, standing.tier, standing.headers()


def _attributes(environ: WSGIEnvironment) -> dict[str, str]:
    """Return the headers that carry a CloudEvent's attributes in binary mode; empty without any that it must have."""
    if not any(name in environ for name in _MUST_HAVE):
        return {}
    return {f"ce-{name[len(_CE) :].lower()}": value for name, value in environ.items() if name.startswith(_CE)}
