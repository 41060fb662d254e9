"""Server-side request forgery: every way out of the platform, to every way of writing what is not the internet."""

from __future__ import annotations

import ast
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from weasyprint.urls import FatalURLFetchingError

from app.core.notify.alertmanager import Alertmanager
from app.core.notify.apprise_child import Guard
from app.core.notify.destinations import Destinations
from app.core.notify.errors import DeliveryError, ForbiddenAddressError
from app.core.notify.mail import Mailer
from app.core.notify.notification import Notification
from app.core.notify.outgoing import Outgoing
from app.core.notify.smtp_server import parse_smtp
from app.core.notify.targets import Channel, Target
from app.core.notify.urgency import Urgency
from app.core.notify.webhook import Webhooks
from app.core.openid import OpenId
from app.core.problems import Problem
from reporting.reports.as_pdf import Inside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Send = Callable[[str], object]

ROOT = Path(__file__).parents[2]
HOSTS = (
    "127.0.0.1", "127.1", "0", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "[::1]", "[::]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "169.254.169.254", "[fd00:ec2::254]", "100.64.0.1", "10.0.0.1", "192.168.0.1", "172.16.0.1",
    "[fe80::1]", "[64:ff9b::7f00:1]", "user@127.0.0.1", "example.com@127.0.0.1", "224.0.0.1", "255.255.255.255",
    "innocent.example",
)  # fmt: skip
"""The last is a name of somebody whose name server says 127.0.0.1."""
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DIALLING = frozenset(
    {"aiohttp", "apprise", "authlib", "ftplib", "http.client", "httpx", "requests", "smtplib", "telnetlib"}
) | {"urllib.request", "urllib3", "weasyprint", "websockets", "xmlrpc.client"}
ALLOWED = {
    "app/client.py": "the command line's own, to an address that its user gives",
    "app/core/notify/apprise_child.py": "under the audit hook that is tested here",
    "app/core/notify/mail.py": "speaks SMTP on a connection of Outgoing",
    "app/core/notify/outgoing.py": "the guarded client itself",
    "app/core/openid.py": "builds and reads tokens, and asks by Outgoing",
    "reporting/reports/as_pdf.py": "behind a fetcher that fetches nothing",
}
"""Who may know how to call others, and why that is no way out."""


def notification() -> Notification:
    return Notification(
        id="ntf_1",
        subject="incident-1",
        urgency=Urgency.PAGE,
        service="checkout",
        event="incident.firing",
        title="x",
        text="x",
        at=NOW,
    )


def by_webhook(place: str) -> object:
    target = Target(Channel.WEBHOOK, f"http://{place}/hook")
    return Webhooks(Outgoing(Destinations(), deadline_s=5), SECRET).send(target, notification(), NOW)


def by_alertmanager(place: str) -> object:
    target = Target(Channel.ALERTMANAGER, f"http://{place}/")
    return Alertmanager(Outgoing(Destinations(), deadline_s=5)).post(target, (), NOW)


def by_mail(place: str) -> object:
    mailer = Mailer(Outgoing(Destinations(), deadline_s=5), parse_smtp(f"smtp://{place}"), sender="a@example.com")
    return mailer.send(Target(Channel.MAIL, "mia@example.com"), notification())


def by_openid(place: str) -> object:
    outgoing = Outgoing(Destinations(), deadline_s=5)
    openid = OpenId(outgoing, issuer=f"http://{place}", client_id="a", client_secret="b", callback="/")
    return openid.begin(state="s", nonce="n", verifier="v")


def by_apprise(place: str) -> object:
    """Plugins dial by themselves; what they resolve is what the hook sees."""
    host, _, port = place.rpartition("@")[2].rpartition(":")
    family, _, _, _, address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
    with socket.socket(family) as dialled:
        Guard(Destinations())("socket.connect", (dialled, address))
    return None


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Whoever is reached on this machine; and a name server that lies."""
    resolve = socket.getaddrinfo

    def answer(host: str, *rest: Any, **more: Any) -> Any:
        return resolve("127.0.0.1" if host == "innocent.example" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.mark.parametrize("send", [by_webhook, by_alertmanager, by_mail, by_openid, by_apprise])
@pytest.mark.parametrize("host", HOSTS)
def test_no_way_out_leads_to_what_is_not_the_internet(listener: socket.socket, host: str, send: Send) -> None:
    port = listener.getsockname()[1]

    with pytest.raises((DeliveryError, Problem, OSError, ValueError)) as caught:
        send(f"{host}:{port}")

    assert isinstance(caught.value, DeliveryError | Problem) or send in {by_apprise, by_mail}  # Which may not parse it.
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_a_name_server_is_asked_once_for_one_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it asked again after the check, it could say something else: DNS rebinding."""
    asked: list[str] = []

    def answer(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(asked) > 1 else "192.168.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)

    with pytest.raises(ForbiddenAddressError, match=r"192\.168\.0\.1"):
        by_webhook("rebound.example:80")
    assert asked == ["rebound.example"]


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "http://127.0.0.1/", "https://example.com/x.png", "ftp://x/", "data:text/html,x", "//x/y"],
)
def test_a_report_fetches_nothing(url: str) -> None:
    with pytest.raises(FatalURLFetchingError):
        Inside({}).fetch(url)


def test_nobody_else_knows_how_to_call_others() -> None:
    found = set()
    for floor in ("app", "dashboards", "ingestion", "reporting"):
        for path in (ROOT / floor).rglob("*.py"):
            place = str(path.relative_to(ROOT))
            if not place.startswith("app/cli/") and DIALLING & set(imported(ast.parse(path.read_text()))):
                found.add(place)

    assert found == set(ALLOWED)


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that a file imports, and its package."""
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            yield name
            yield name.partition(".")[0]
