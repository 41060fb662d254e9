"""An OpenID provider on the loopback: the parts of the protocol that a client sees, written without the client's code."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT_ID = "slipstream"
CLIENT_SECRET = "the secret of the client"


class Provider:
    """Signs in whoever comes as `claims`. What it answers can be spoilt: `spoil` changes claims, `key` signs."""

    def __init__(self) -> None:
        self.issuer = ""
        self.claims: dict[str, Any] = {"sub": "7", "preferred_username": "mia", "groups": ["sre"]}
        self.spoil: dict[str, Any] = {}
        self.published = self.key = RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"})
        self.algorithm = "RS256"
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []

    def authorize(self, address: str) -> str:
        """Do what a browser does there, and return where it is sent back to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        self.asked.append(request.path)
        return self._answer(request)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.path == "/.well-known/openid-configuration":
            return _json(
                {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/token",
                    "jwks_uri": f"{self.issuer}/keys",
                }
            )
        if request.path == "/keys":
            return _json({"keys": [self.published.as_dict(private=False)]})
        assert request.path == "/token"
        return self._token(request)

    def _token(self, request: Request) -> Response:
        pair = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET.replace(' ', '%20')}".encode()).decode()
        asked = self.codes.pop(request.form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(request.form["code_verifier"].encode()).digest())
        if (
            asked is None
            or request.headers["Authorization"] != f"Basic {pair}"
            or challenge.rstrip(b"=").decode() != asked["code_challenge"]
            or request.form["redirect_uri"] != asked["redirect_uri"]
        ):
            return _json({"error": "invalid_grant"}, 400)
        now = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        token = jwt.encode({"alg": self.algorithm, "kid": "one"}, {**said, **self.claims, **self.spoil}, self.key)
        return _json({"access_token": "x", "token_type": "Bearer", "id_token": token})


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


@contextmanager
def provided() -> Iterator[Provider]:
    provider = Provider()
    server = make_server("127.0.0.1", 0, provider, threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
