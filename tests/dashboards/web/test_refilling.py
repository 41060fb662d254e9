"""A refused form comes back with what was typed, and each error beside its field."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from app.core.problems import FieldError, Problem, ProblemType
from dashboards.web.refilling import refilled

if TYPE_CHECKING:
    from tests.dashboards.web.people import Person

PAGE = """<!doctype html>
<form method="post" action="/other"><input name="title" value="mine"></form>
<details><summary>More &amp; more</summary>
<form method="post" action="/here">
<input type="hidden" name="csrf" value="token">
<label>Title <input name="title" required></label>
<label>Kind <select name="kind"><option value="">Any</option><option selected>week</option><option>month &amp; more</option></select></label>
<label>Why <textarea name="why">before</textarea></label>
<input type="password" name="password">
<fieldset><legend>It may</legend><label><input type="checkbox" name="may" value="a" checked> a</label><label><input type="checkbox" name="may" value="b"> b</label></fieldset>
<label>Row <input name="row" value="x"></label><label>Row <input name="row" value="y"></label>
<button>Do</button></form></details>"""


def refusal(*errors: tuple[str | None, str]) -> Problem:
    found = tuple(FieldError(detail, field=field) for field, detail in errors)
    return Problem(ProblemType.INVALID_REQUEST, "This <cannot> be taken.", found)


def shown(problem: Problem, **fields: list[str]) -> str:
    html = refilled(PAGE, "/here", fields, problem)
    assert html is not None
    return html


def test_what_was_typed_is_there_again_as_text() -> None:
    html = shown(
        refusal(),
        title=['"><script>alert(1)</script>'],
        kind=["month & more"],
        why=["\n</textarea><b>"],
        may=["b"],
        row=["1", "2"],
        csrf=["forged"],
        password=["hunter2"],
    )

    assert (
        '<label>Title <input name="title" required value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"></label>'
        in html
    )
    assert '<option value="">Any</option><option>week</option><option selected="">month &amp; more</option>' in html
    assert '<textarea name="why">\n\n&lt;/textarea&gt;&lt;b&gt;</textarea>' in html
    assert '<input type="checkbox" name="may" value="a"> a' in html
    assert '<input type="checkbox" name="may" value="b" checked=""> b' in html
    assert '<input name="row" value="1"></label><label>Row <input name="row" value="2">' in html
    assert 'name="csrf" value="token"' in html
    assert "hunter2" not in html
    assert '<input name="title" value="mine"></form>' in html


def test_errors_stand_beside_their_fields_and_the_rest_above_the_form() -> None:
    html = shown(
        refusal(("title", "it is too <long>"), ("row[1]", "It is no row."), ("elsewhere", "is missing")),
        title=["x"],
        row=["1", "2"],
    )

    assert re.search(r'<input name="title"[^>]* aria-invalid="true" autofocus="">', html)
    assert '<span class="wrong">It is too &lt;long&gt;.</span></label>' in html
    assert '<span class="wrong">It is no row.</span></label>' in html
    assert html.count("autofocus") == 1
    assert "<strong>This &lt;cannot&gt; be taken.</strong></p><ul><li>elsewhere: It is missing.</li></ul></div>" in html
    assert html.index('role="alert"') > html.index('action="/here"')


def test_what_is_wrong_with_boxes_is_said_once_under_them() -> None:
    html = shown(refusal(("may", "It is one of a, b")), may=["c"])

    assert '</label><span class="wrong">It is one of a, b.</span></fieldset>' in html
    assert html.count("aria-invalid") == 1


def test_a_form_that_was_folded_away_is_open_and_what_is_not_its_own_is_as_it_was() -> None:
    html = shown(refusal())

    assert "<details open><summary>More &amp; more</summary>" in html
    assert html.startswith('<!doctype html>\n<form method="post" action="/other">')
    assert refilled(PAGE, "/nowhere", {}, refusal()) is None


@pytest.mark.parametrize(
    ("path", "fields", "kept"),
    [
        ("/ui/silences", {"hours": "9", "reason": "a <b> reason", "service": ""}, 'value="a &lt;b&gt; reason"'),
        ("/ui/incidents", {"service": "", "title": "Cards", "severity": "ticket"}, 'value="Cards"'),
        ("/ui/maintenance", {"starts_at": "soon", "reason": "Upgrade"}, 'value="Upgrade"'),
        ("/ui/accounts", {"account_id": "no/id", "name": "Acme & Co"}, 'value="Acme &amp; Co"'),
        ("/ui/users", {"username": "no name", "role": "manager"}, 'value="no name"'),
    ],
)
def test_every_page_with_a_form_keeps_what_was_typed(
    admin: Person, path: str, fields: dict[str, str], kept: str
) -> None:
    answer = admin.post(path, **fields)

    assert answer.status_code == 422
    assert kept in answer.text
    assert 'class="wrong"' in answer.text
    assert 'role="alert"' in answer.text


def test_a_key_that_cannot_be_made_is_refused_on_the_account_s_page(admin: Person, world: object) -> None:
    answer = admin.post("/ui/accounts/acme/keys", scope=["events:write", "all"], days="soon")

    assert answer.status_code == 422
    assert "It is one of" in answer.text
    assert 'value="soon"' in answer.text
