from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text as statement

from app.core.audit import Audit
from app.core.roles import Role
from reporting.catalogue import catalogue_store
from reporting.catalogue.catalogue import Catalogue
from tests.dashboards.web.people import person, text_of
from tests.dashboards.web.test_overview import promise
from tests.reporting.evaluation.definitions import slo

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

    from app.composition import Api
    from app.core.database import Database
    from app.core.valkey import Valkey
    from tests.dashboards.web.people import Person

_WAITING = statement(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def definition(target: float = 0.9) -> str:
    """The promise `pay` of `promise`, with another target."""
    return slo(
        "pay", service="checkout", total={"route": "/pay"}, good={"route": "/pay", "status": "<500"}, target=target
    )


def seal_of(page: TestResponse) -> str:
    return str(re.findall(r'name="seal" value="(\w+)"', page.text)[0])


def targets(database: Database) -> dict[str, str]:
    return {each.name: f"{each.objective.target}" for each in Catalogue(database).in_force()}


def test_a_definition_is_looked_at_applied_and_removed(manager: Person, database: Database) -> None:
    assert "Nothing is promised yet" in text_of(manager.get("/ui/definitions"))
    looked = manager.post("/ui/definitions/difference", text=definition())
    assert "pay Created" in text_of(looked)
    assert targets(database) == {}

    applied = manager.post("/ui/definitions", text=definition(), seal=seal_of(looked))

    assert applied.location == "/ui/definitions?applied=pay"
    assert "Applied: pay ." in text_of(manager.get(applied.location))
    assert targets(database) == {"pay": "0.9"}
    removed = manager.post("/ui/slos/pay/remove")
    assert "pay promises nothing any more" in text_of(manager.get(removed.location))
    assert targets(database) == {}
    assert manager.post("/ui/slos/pay/remove").status_code == 404
    done = [(each.actor.name, each.action, each.subject) for each in Audit(database).page(limit=5)]
    assert done[2:4] == [
        ("manager@example.com", "slos.remove", "pay"),
        ("manager@example.com", "slos.apply", "pay"),
    ]


def test_the_difference_says_what_changes_and_what_it_does_to_the_budget(
    manager: Person, database: Database, valkey: Valkey
) -> None:
    promise(database, valkey, "pay", bad=4)
    written = manager.get("/ui/definitions?slo=pay")
    assert "kind: SLO" in written.text

    page = manager.post("/ui/definitions/difference", text=definition(0.97))

    text = text_of(page)
    assert "pay Changed By this its budget is exhausted" in text
    assert "Target 90 % → 97 %" in text
    assert "spec.objectives[0].target 0.9 0.97" in text
    assert "target: 0.97" in page.text
    assert targets(database) == {"pay": "0.9"}


def test_only_what_one_has_looked_at_is_applied(manager: Person, database: Database, valkey: Valkey) -> None:
    promise(database, valkey, "pay", bad=4)
    seal = seal_of(manager.post("/ui/definitions/difference", text=definition(0.8)))

    another = manager.post("/ui/definitions", text=definition(0.5), seal=seal)
    without = manager.post("/ui/definitions", text=definition(0.8))

    assert (another.status_code, without.status_code) == (409, 409)
    assert "another than what you looked at" in text_of(another)
    assert "Target 90 % → 50 %" in text_of(another)
    assert targets(database) == {"pay": "0.9"}
    assert manager.post("/ui/definitions", text=definition(0.5), seal=seal_of(another)).status_code == 303
    late = manager.post("/ui/definitions", text=definition(0.8), seal=seal)
    assert late.status_code == 409, "What is in force is another than when it was looked at."


def test_of_two_who_apply_in_the_same_moment_the_second_looks_again(
    api: Api, database: Database, valkey: Valkey, eventually: Callable[[Callable[[], object]], None]
) -> None:
    promise(database, valkey, "pay", bad=4)
    people = [person(api.app, database, Role.MANAGER, name=name) for name in ("mia", "bob")]
    texts = [definition(0.8), definition(0.5)]
    seals = [
        seal_of(each.post("/ui/definitions/difference", text=text)) for each, text in zip(people, texts, strict=True)
    ]

    def waiting() -> bool:
        with database.begin() as connection:
            return connection.scalar(_WAITING) == len(people)

    with ThreadPoolExecutor() as threads:
        with database.begin() as connection:
            catalogue_store.hold(connection)
            asked = [
                threads.submit(each.post, "/ui/definitions", text=text, seal=seal)
                for each, text, seal in zip(people, texts, seals, strict=True)
            ]
            eventually(waiting)
        answers = [each.result() for each in asked]

    assert sorted(each.status_code for each in answers) == [303, 409]
    [first] = [text for text, answer in zip((0.8, 0.5), answers, strict=True) if answer.status_code == 303]
    assert targets(database) == {"pay": f"{first}"}
    [late] = [answer for answer in answers if answer.status_code == 409]
    assert "another than what you looked at" in text_of(late)
    assert f"Target {first:.0%}".replace("%", " %") in text_of(late)


@pytest.mark.parametrize("path", ["/ui/definitions/difference", "/ui/definitions"])
def test_a_text_that_cannot_be_applied_is_kept_with_the_line_and_the_field_of_each_error(
    manager: Person, database: Database, path: str
) -> None:
    wrong = definition().replace("target: 0.9", "target: 7") + "# </textarea><script>alert(1)</script>"

    page = manager.post(path, text=wrong)

    assert page.status_code == 422
    line = next(number for number, each in enumerate(wrong.splitlines(), 1) if "target: 7" in each)
    assert f"Line {line} SLO pay spec.objectives[0].target" in text_of(page)
    assert "target: 7" in page.text
    assert "&lt;/textarea&gt;&lt;script&gt;" in page.text
    assert "<script>alert" not in page.text
    assert targets(database) == {}
    assert manager.post(path, text=": : [").status_code == 422


def test_an_unknown_name_is_not_there(manager: Person) -> None:
    assert manager.get("/ui/definitions?slo=nobody").status_code == 404
    assert "promises nothing any more" not in manager.get("/ui/definitions?removed=your+account").text


def test_promises_are_for_managers(api: Api, database: Database) -> None:
    somebody = person(api.app, database, Role.ONCALL)

    assert somebody.get("/ui/definitions").status_code == 403
    assert "/ui/definitions" not in somebody.get("/ui/slos").text
