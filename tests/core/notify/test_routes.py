"""Who is told of what, as settings say it."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from importlib import import_module

import pytest

from app.core.notify.notification import Notification
from app.core.notify.routes import make_routes, parse_entries
from app.core.notify.targets import APPRISE_SCHEMES, Channel, parse_target
from app.core.notify.urgency import Urgency
from app.core.settings import SettingsError, load_settings

NEEDED = {"SLIPSTREAM_DATABASE_URL": "postgresql://localhost/x", "SLIPSTREAM_REDIS_URL": "redis://localhost"}


def addresses(text: str, service: str = "checkout") -> list[list[str]]:
    chains = make_routes(page=text, ticket=None, alertmanager=None).chains(Urgency.PAGE, service)
    return [[target.address for target in chain] for chain in chains]


def test_every_entry_is_told_and_the_members_of_a_chain_stand_in() -> None:
    assert addresses("https://a.example|mailto:on-call@b.example slack://x/y/z") == [
        ["https://a.example", "on-call@b.example"],
        ["slack://x/y/z"],
    ]


def test_a_service_with_entries_of_its_own_takes_none_of_the_others() -> None:
    text = "https://all.example checkout=https://mine.example checkout=mailto:me@mine.example"

    assert addresses(text) == [["https://mine.example"], ["me@mine.example"]]
    assert addresses(text, "search") == [["https://all.example"]]


def test_pages_and_tickets_go_their_own_ways() -> None:
    routes = make_routes(page="https://page.example", ticket="https://ticket.example", alertmanager=None)

    assert routes.chains(Urgency.TICKET, "x")[0][0].address == "https://ticket.example"


def test_an_address_with_an_equals_sign_is_no_entry_of_a_service() -> None:
    assert addresses("https://a.example/?checkout=https://b.example") == [
        ["https://a.example/?checkout=https://b.example"]
    ]


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("https://hooks.example.org/x", Channel.WEBHOOK),
        ("http://hooks.example.org:8080", Channel.WEBHOOK),
        ("mailto:on-call@example.org", Channel.MAIL),
        ("mailto://on-call@example.org", Channel.MAIL),
        ("slack://T/A/D/#general", Channel.APPRISE),
        ("pagerduty://key@api", Channel.APPRISE),
    ],
)
def test_a_target_says_how_it_is_reached(text: str, channel: Channel) -> None:
    assert parse_target(text).channel is channel


@pytest.mark.parametrize(
    "text",
    [
        "syslog://",
        "dbus://",
        "windows://",
        "json://127.0.0.1",
        "xml://127.0.0.1",
        "form://127.0.0.1",
        "mailtos://user:pass@smtp.example.org",
        "mqtt://127.0.0.1",
        "irc://irc.example.org",
        "file:///etc/passwd",
        "ftp://example.org",
        "gopher://127.0.0.1",
        "https://",
        "https://user:hunter2@example.org",
        "https://example.org:99999",
        "mailto:nobody",
        "mailto:a@b.example\r\nBcc:c@d.example",
        "mailto:a@b.example,c@d.example",
        "slack:x",
        "",
    ],
)
def test_what_is_not_on_the_list_is_refused_without_a_word_of_its_secrets(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|scheme") as raised:
        parse_target(text)
    assert "hunter2" not in str(raised.value)


def test_apprise_knows_every_scheme_on_the_list() -> None:
    with warnings.catch_warnings(action="ignore"):  # Some plugin that we do not let speak uses an old module.
        plugins = import_module("apprise.manager_plugins")
        known = set(plugins.NotificationManager().schemas())

    assert known >= APPRISE_SCHEMES


def test_a_target_is_named_without_its_address() -> None:
    target = parse_target("slack://T1JJ3T3L2/A1BRTD4JD/hunter2hunter2/#general")

    assert "hunter2" not in repr(target) + target.id + target.label
    assert target.id != parse_target("slack://T1JJ3T3L2/A1BRTD4JD/hunter3hunter3/#general").id


def test_settings_refuse_targets_that_cannot_be_told() -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(
            NEEDED
            | {
                "SLIPSTREAM_NOTIFY_PAGE": "syslog://hunter2",
                "SLIPSTREAM_NOTIFY_TICKET": "https://hooks.example.org",
                "SLIPSTREAM_SMTP_URL": "http://hunter2@mail",
                "SLIPSTREAM_ALERTMANAGER_URL": "alertmanager:9093",
                "SLIPSTREAM_WEBHOOK_SECRET": "whsec_hunter2",
                "SLIPSTREAM_OUTGOING_NETWORKS": "everything",
            }
        )

    names = [problem.split()[0].removeprefix("SLIPSTREAM_") for problem in raised.value.problems]
    assert names == ["NOTIFY_PAGE", "ALERTMANAGER_URL", "SMTP_URL", "WEBHOOK_SECRET", "OUTGOING_NETWORKS"]
    assert "hunter2" not in str(raised.value)


def test_a_channel_that_is_not_set_up_is_a_problem_of_the_settings() -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(NEEDED | {"SLIPSTREAM_NOTIFY_PAGE": "https://hooks.example.org|mailto:a@example.org"})

    assert [problem.split()[0] for problem in raised.value.problems] == [
        "SLIPSTREAM_WEBHOOK_SECRET",
        "SLIPSTREAM_SMTP_URL",
    ]


def test_entries_without_targets_are_none() -> None:
    assert parse_entries("  ") == ()


def asked(*targets: str, urgency: Urgency = Urgency.TICKET, service: str = "checkout") -> Notification:
    return Notification(
        id="n.1",
        subject="n",
        urgency=urgency,
        service=service,
        event="incident.firing",
        title="t",
        text="t",
        at=datetime(2026, 11, 22, tzinfo=UTC),
        targets=targets,
    )


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        ((), [["tickets.example"]]),
        (("ticket",), [["tickets.example"]]),
        (("page",), [["checkout.example"]]),
        (("dba",), [["dba.example", "dba2.example"], ["dba3.example"]]),
        (("dba", "ticket", "dba"), [["dba.example", "dba2.example"], ["dba3.example"], ["tickets.example"]]),
        (("nobody-knows",), [["tickets.example"]]),
    ],
)
def test_a_notification_goes_to_the_targets_it_names_and_never_to_nobody(
    targets: tuple[str, ...], told: list[list[str]]
) -> None:
    routes = make_routes(
        page="https://page.example checkout=https://checkout.example",
        ticket="https://tickets.example",
        named="dba=https://dba.example|https://dba2.example dba=https://dba3.example ops=https://ops.example",
        alertmanager=None,
    )

    chains = routes.told(asked(*targets))

    assert [[target.label.removeprefix("webhook:") for target in chain] for chain in chains] == told
    assert routes.names == {"page", "ticket", "dba", "ops"}


@pytest.mark.parametrize("text", ["https://dba.example", "page=https://dba.example", "dba=gopher://x"])
def test_a_named_target_has_a_name_of_its_own_and_an_address(text: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(NEEDED | {"SLIPSTREAM_NOTIFY_TARGETS": text})

    assert "SLIPSTREAM_NOTIFY_TARGETS" in str(raised.value)


def test_the_channels_of_named_targets_are_needed_as_well() -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(NEEDED | {"SLIPSTREAM_NOTIFY_TARGETS": "dba=https://dba.example"})

    assert [problem.split()[0] for problem in raised.value.problems] == ["SLIPSTREAM_WEBHOOK_SECRET"]
