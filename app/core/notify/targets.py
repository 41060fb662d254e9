"""Who is told: an address in a setting, checked when the settings are read, and never shown again."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote, urlsplit

_SERVICES = """
    betterstack bark barks cliq dingtalk discord dot feishu firehydrant flock gchat goalert goalerts gotify gotifys
    ifttt ilert incidentio jira join kook lark line mailersend mailgun matrix matrixs mmost mmosts msg91 msgbird
    nctalk nctalks notifiarr ntfy ntfys o365 onesignal opsgenie pagerduty pagertree pbul pover postmark prowl
    pushdeer pushdeers pushed pushplus pushy resend revolt rocket rockets ryver sendgrid ses signal signalgrid
    signals signl4 simplepush sinch slack smtp2go sns spike splunk spugpush squadcast stackfield synology synologys
    telnyx tgram threema trigv trigvs twilio twist vapid victorops viber voipms vonage webex wechat wecombot
    whatsapp workflow workflows wxpusher wxteams xmatters zoom zulip
"""
APPRISE_SCHEMES = frozenset(_SERVICES.split())
"""What we let Apprise speak: services that are reached by HTTP. What it also knows and we leave out writes to the machine it
runs on (syslog, dbus, windows), speaks other protocols that cannot be guarded (mqtt, irc, smpp), or calls any address with
any method (json, xml, form); webhooks and mail are our own, signed and with a stable id."""

MAIL_ADDRESS = re.compile(r"[^@\s<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})")


class Channel(StrEnum):
    """How a target is reached."""

    WEBHOOK = "webhook"
    MAIL = "mail"
    APPRISE = "apprise"
    ALERTMANAGER = "alertmanager"


@dataclass(frozen=True, slots=True)
class Target:
    """`address` is a URL with its secrets, or an e-mail address. `id` names it in the outbox and in logs."""

    channel: Channel
    address: str = field(repr=False)

    @property
    def id(self) -> str:
        """The same for the same address, which cannot be told from it."""
        digest = hashlib.sha256(self.address.encode()).hexdigest()[:10]
        return f"{self.label}-{digest}"

    @property
    def label(self) -> str:
        """What people recognise it by: the service, the server of a webhook, or a mail address's domain."""
        if self.channel is Channel.APPRISE:
            return self.address.partition(":")[0]
        if self.channel is Channel.MAIL:
            return f"mail:{self.address.rpartition('@')[2]}"
        return f"{self.channel}:{urlsplit(self.address).hostname}"


def parse_target(text: str) -> Target:
    """Read a target: `https://…` or `http://…` (a webhook), `mailto:somebody@example.org`, or a URL of Apprise.

    Raises `ValueError` with a sentence that holds nothing of the text but its scheme.
    """
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if not colon or not rest or not scheme.isascii():
        raise ValueError("must name targets by addresses such as https://hooks.example.org/on-call")
    if scheme == "mailto":
        address = unquote(rest.removeprefix("//"))
        if not MAIL_ADDRESS.fullmatch(address):
            raise ValueError("must write a mail target as mailto:somebody@example.org, and the server in SMTP_URL")
        return Target(Channel.MAIL, address)
    if scheme in {"http", "https"}:
        check_http(text)
        return Target(Channel.WEBHOOK, text)
    if scheme in APPRISE_SCHEMES and rest.startswith("//"):
        return Target(Channel.APPRISE, text)
    raise ValueError(f"has a target with the scheme {scheme[:20]!r}, which is not among those that are allowed")


def check_http(text: str) -> str:
    """Return an address of http or https that can be called. Raises `ValueError`."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be an address that starts with http:// or https:// and names a server")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or a password: what is called proves itself by its certificate")
    return text
