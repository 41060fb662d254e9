from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reporting.reports.subscription_links import SubscriptionLinks
from tests.dashboards.web.conftest import make_all, recorded
from tests.dashboards.web.people import text_of

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from app.core.database import Database
    from tests.dashboards.web.people import Person
    from tests.reporting.reports.conftest import Workshop


def test_a_schedule_is_made_changed_served_now_and_ended(
    mailing: Person, viewer: Person, workshop: Workshop, database: Database
) -> None:
    fields = {"kind": "weekly", "service": "", "tier": "", "hour": "7", "timezone": "Europe/Berlin", "paper": "a4"}
    empty = text_of(viewer.get("/ui/reports/schedule"))
    made = mailing.post("/ui/reports/schedule", audience="mia@example.org\r\nben@example.org", **fields)
    (held,) = workshop.subscriptions.all()
    one = f"/ui/reports/schedule/{held.subscription_id}"
    theirs, ours = text_of(viewer.get("/ui/reports/schedule")), text_of(mailing.get("/ui/reports/schedule"))
    form = mailing.get(one)
    changed = mailing.post(
        one,
        audience="mia@example.org",
        audience_digest=digest_on(form),
        **{**fields, "hour": "9", "service": "checkout"},
    )
    (after,) = workshop.subscriptions.all()
    sent = mailing.post(f"{one}/send")
    make_all(workshop)
    refused = mailing.post(one, audience="mia", **{**fields, "timezone": "Nowhere"})
    ended = mailing.post(f"{one}/remove")

    assert "Nothing is scheduled" in empty
    assert (made.status_code, changed.status_code, ended.status_code) == (303, 303, 303)
    assert "To 2 readers by manager@example.com" in theirs
    assert "mia@example.org, ben@example.org by manager@example.com 07:00 Europe/Berlin next in" in ours
    assert ">mia@example.org\nben@example.org</textarea>" in form.text
    assert (after.rhythm.hour, after.rhythm.scope.service, after.audience) == (9, "checkout", ("mia@example.org",))
    assert (after.subscription_id, after.next_period, after.author) == (
        held.subscription_id,
        held.next_period,
        held.author,
    )
    assert after.due_at > held.due_at
    assert re.fullmatch(r"/ui/reports/rpt_\w{20}\?sent=1", sent.location)
    assert [letter.letter and letter.letter.to for letter in workshop.letters()] == ["mia@example.org"]
    assert refused.status_code == 422
    assert ">mia</textarea>" in refused.text.replace("\n", "")
    assert workshop.subscriptions.all() == []
    assert recorded(database, 6) == [
        ("manager", "subscriptions.remove"),
        ("manager", "subscriptions.change.refused"),
        ("manager", "subscriptions.change"),
        ("manager", "reports.send"),
        ("manager", "subscriptions.change"),
        ("manager", "subscriptions.add"),
    ]


def test_a_schedule_that_is_changed_puts_nobody_back_who_has_left(
    mailing: Person, workshop: Workshop, database: Database
) -> None:
    fields = {"kind": "weekly", "hour": "9", "timezone": "UTC", "paper": "a4"}
    both = "mia@example.org\r\nben@example.org"
    mailing.post("/ui/reports/schedule", audience=both, **fields)
    (held,) = workshop.subscriptions.all()
    one = f"/ui/reports/schedule/{held.subscription_id}"
    seen = digest_on(mailing.get(one))
    leave(workshop, database, held.subscription_id, "ben@example.org")

    wrong = mailing.post(one, audience=both, audience_digest=seen, **{**fields, "timezone": "Nowhere"})
    late = mailing.post(one, audience=both, audience_digest=digest_on(wrong), **{**fields, "hour": "11"})
    left = workshop.subscriptions.all()
    again = mailing.post(one, audience="mia@example.org", audience_digest=digest_on(late), **{**fields, "hour": "11"})

    assert (wrong.status_code, late.status_code, again.status_code) == (422, 409, 303)
    assert left[0].audience == ("mia@example.org",)
    assert "Somebody has left the list, or it was changed, since you looked at it." in text_of(late)
    assert ">mia@example.org</textarea>" in late.text
    assert '<option value="11" selected="">' in late.text
    assert mailing.post(one, audience=both, **fields).status_code == 409
    assert [each.audience for each in workshop.subscriptions.all()] == [("mia@example.org",)]


def test_a_schedule_that_two_people_change_is_shown_to_the_second_as_it_is_by_then(
    mailing: Person, workshop: Workshop
) -> None:
    fields = {"kind": "weekly", "hour": "7", "timezone": "UTC", "paper": "a4"}
    mailing.post("/ui/reports/schedule", **fields)
    (held,) = workshop.subscriptions.all()
    one = f"/ui/reports/schedule/{held.subscription_id}"
    seen = dict(re.findall(r'name="(audience_digest|digest)" value="(\w+)"', mailing.get(one).text))

    first = mailing.post(one, **{**fields, "hour": "9"}, **seen)
    wrong = mailing.post(one, **{**fields, "paper": "letter", "timezone": "Nowhere"}, **seen)
    kept = dict(re.findall(r'name="(audience_digest|digest)" value="(\w+)"', wrong.text))
    late = mailing.post(one, **{**fields, "paper": "letter"}, **kept)
    (after,) = workshop.subscriptions.all()

    assert (first.status_code, wrong.status_code, late.status_code) == (303, 422, 409)
    assert (after.rhythm.hour, after.paper) == (9, "a4")
    assert re.search(r'<option value="9" selected(="")?>', late.text)
    assert "or it was changed, since you looked at it." in text_of(late)


def digest_on(page: TestResponse) -> str:
    return str(re.findall(r'name="audience_digest" value="(\w+)"', page.text)[0])


def leave(workshop: Workshop, database: Database, subscription_id: str, address: str) -> None:
    with database.begin() as connection:
        link = SubscriptionLinks("").link(connection, subscription_id, address, workshop.now)
    workshop.subscriptions.leave(link.rpartition("/")[2], workshop.now)
