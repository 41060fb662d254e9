"""Signing in elsewhere: OpenID Connect by authorization code, with PKCE, state and nonce.

What we call is called by the one guarded client: the address that is dialled is checked, and nothing is followed. Tokens are
checked by Authlib and joserfc; of algorithms only those with a public key are taken, whatever a token says of itself.
"""

from __future__ import annotations

import base64
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.core import deadline
from app.core.errors import OverloadedError
from app.core.notify.errors import DeliveryError
from app.core.problems import Problem, ProblemType

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from app.core.notify.outgoing import Outgoing

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
MOST_BYTES = 262_144
SCOPE = "openid profile email"
_KNOWN_FOR_S = 3_600
_KEYS_AGAIN_S = 60
_AWAY_FOR_S = 10
_PATIENCE_S = 1.0
_LEEWAY_S = 60
_AWAY = "The login of your organisation does not answer as it should. Try again, or ask who runs it."


@dataclass(frozen=True, slots=True)
class Provider:
    """Where things are, as the issuer says."""

    authorization: str
    token: str
    keys: str


class OpenId:
    """Thread-safe. Raises `Problem`: dependency-unavailable when the issuer does not answer, forbidden for a wrong token.

    Raises `OverloadedError` when another thread asks the issuer for too long.
    """

    def __init__(self, outgoing: Outgoing, *, issuer: str, client_id: str, client_secret: str, callback: str) -> None:
        self._outgoing = outgoing
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._callback = callback
        self._lock = threading.Lock()
        self._provider: tuple[float, Provider] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._away_until = 0.0

    def begin(self, *, state: str, nonce: str, verifier: str) -> str:
        """Return where the browser is sent to sign in."""
        challenge = create_s256_code_challenge(verifier)
        address: str = prepare_grant_uri(
            self._find().authorization,
            self._client_id,
            "code",
            redirect_uri=self._callback,
            scope=SCOPE,
            state=state,
            nonce=nonce,
            code_challenge=challenge,
            code_challenge_method="S256",
        )
        return address

    def finish(self, code: str, *, nonce: str, verifier: str, now: datetime) -> dict[str, Any]:
        """Exchange the code that the browser brought back, and return what the issuer says of who signed in."""
        token = self._exchange(code, verifier)
        try:
            return self._checked(token, nonce, now, fresh=False)
        except (JoseError, ValueError):
            # The issuer may sign by another key since we looked.
            try:
                return self._checked(token, nonce, now, fresh=True)
            except (JoseError, ValueError) as error:
                raise Problem(ProblemType.FORBIDDEN, "What came back from there is not to be trusted.") from error

    def identity(self, claims: dict[str, Any]) -> str:
        """Return who it is, for ever: names and addresses change hands."""
        return f"{self._issuer} {claims['sub']}"

    def _checked(self, token: str, nonce: str, now: datetime, *, fresh: bool) -> dict[str, Any]:
        decoded = jwt.decode(token, self._key_set(fresh=fresh), algorithms=list(ALGORITHMS))
        expected = {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._client_id},
            "nonce": {"essential": True, "value": nonce},
        }
        claims = CodeIDToken(
            decoded.claims, decoded.header, expected, params={"nonce": nonce, "client_id": self._client_id}
        )
        claims.validate(now=int(now.timestamp()), leeway=_LEEWAY_S)
        return dict(claims)

    def _exchange(self, code: str, verifier: str) -> str:
        body = urlencode(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._callback,
                "code_verifier": verifier,
            }
        )
        pair = f"{quote(self._client_id, safe='')}:{quote(self._client_secret, safe='')}"
        headers = {
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        try:
            reply = self._outgoing.post(self._find().token, body.encode(), headers)
        except DeliveryError as error:
            if error.refused:
                raise Problem(ProblemType.FORBIDDEN, "Your organisation did not confirm it. Sign in again.") from error
            raise Problem(ProblemType.DEPENDENCY_UNAVAILABLE, _AWAY) from error
        token = _object(reply.body).get("id_token")
        if not isinstance(token, str):
            raise Problem(ProblemType.DEPENDENCY_UNAVAILABLE, _AWAY)
        return token

    def _find(self) -> Provider:
        known = self._provider
        if known is None or known[0] <= time.monotonic():
            with self._asking():
                known = self._provider
                if known is None or known[0] <= time.monotonic():
                    known = self._provider = (time.monotonic() + _KNOWN_FOR_S, self._discover())
        return known[1]

    def _discover(self) -> Provider:
        found = self._read(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._issuer:
            raise Problem(ProblemType.DEPENDENCY_UNAVAILABLE, _AWAY)
        places = [found.get(f"{name}_endpoint") for name in ("authorization", "token")]
        return Provider(*(self._safe(place) for place in [*places, found.get("jwks_uri")]))

    def _key_set(self, *, fresh: bool) -> KeySet:
        place = self._find().keys
        oldest_s = _KEYS_AGAIN_S if fresh else _KNOWN_FOR_S
        known = self._keys
        if known is None or time.monotonic() - known[0] > oldest_s:
            with self._asking():
                known = self._keys
                if known is None or time.monotonic() - known[0] > oldest_s:
                    keys = KeySet.import_key_set(self._read(place))  # type: ignore[arg-type]  # Checked inside.
                    known = self._keys = (time.monotonic(), keys)
        return known[1]

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Let one thread ask at a time. Its failure is everybody's for a while: a slow issuer must not hold our threads."""
        if not self._lock.acquire(timeout=deadline.left(_PATIENCE_S)):
            raise OverloadedError("openid", "others are asking the same")
        try:
            if time.monotonic() < self._away_until:
                raise Problem(ProblemType.DEPENDENCY_UNAVAILABLE, _AWAY)
            try:
                yield
            except Exception:
                self._away_until = time.monotonic() + _AWAY_FOR_S
                raise
        finally:
            self._lock.release()

    def _safe(self, place: object) -> str:
        """Return an address of the issuer's, which is no less safe than its own."""
        if not isinstance(place, str) or urlsplit(place).scheme not in {"https", urlsplit(self._issuer).scheme}:
            raise Problem(ProblemType.DEPENDENCY_UNAVAILABLE, _AWAY)
        return place

    def _read(self, url: str) -> dict[str, Any]:
        try:
            return _object(self._outgoing.get(url, {"Accept": "application/json"}).body)
        except DeliveryError as error:
            raise Problem(ProblemType.DEPENDENCY_UNAVAILABLE, _AWAY) from error


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Problem(ProblemType.DEPENDENCY_UNAVAILABLE, _AWAY) from error
