"""The document: what it says, how carefully, and that names in it stay names."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from msgspec.structs import replace

from reporting.charts.palette import LIGHT
from reporting.reports.archive import Paper
from reporting.reports.drawing import clean, draw
from reporting.reports.figure_set import figures_of
from reporting.reports.first_page import first_page
from reporting.reports.pages import Drawn, page
from reporting.reports.render_process import words
from tests.reporting.reports.hostile import HOSTILE, big_month, hostile_month
from tests.reporting.reports.parts import route, tally
from tests.reporting.reports.sample import empty_month, good_month, short_week
from tests.reporting.reports.troubles import bad_month


class Seen(HTMLParser):
    """What a browser would make of a document."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.text: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.text.append(" ")
        self.attributes |= {(name, value or "") for name, value in attrs}

    def handle_data(self, data: str) -> None:
        if self.lasttag != "style":
            self.text.append(data)

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.text))


def document(report, paper=None) -> Seen:
    return Seen(page(report, figures_of(report).each(words), paper))


def test_names_of_people_who_mean_harm_are_shown_as_they_are() -> None:
    seen = document(hostile_month())

    assert not seen.tags & {"script", "img", "link", "iframe", "object", "embed", "a", "form", "base"}
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name in {"href", "src", "style"}]
    for text in (
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 7 * 7 }}{% raw %}",
        "=cmd|' /C calc'!A0",
    ):
        assert text in seen.words
    assert not set("\u202e\u202c\x00\x1b") & set(seen.words)
    assert HOSTILE[16] not in seen.words  # 300 letters are cut.


def test_a_drawn_figure_is_shapes_and_text_whatever_its_names_are() -> None:
    figure = figures_of(hostile_month()).reasons
    assert figure is not None
    svg = draw(figure, 7)
    seen = Seen(svg)

    assert seen.tags <= {"svg", "title", "g", "path", "rect", "line", "circle", "text", "tspan", "defs", "clippath"}
    assert not [value for _, value in seen.attributes if "http" in value and value != "http://www.w3.org/2000/svg"]
    assert "javascript:alert(1)" in seen.words
    assert all(value.startswith("figure-7-") for name, value in seen.attributes if name == "id")


def test_every_bar_of_a_chart_is_seen() -> None:
    figures = figures_of(bad_month())
    assert figures.reasons is not None

    assert draw(figures.reasons, 1).count(f'fill="{LIGHT.bad}"') == len(bad_month().reasons)
    assert draw(figures.throughput, 2).count(f'fill="{LIGHT.accent}"') == 30
    assert draw(figures.calendar, 3).count(f'fill="{LIGHT.good_tint}"') == 25


def test_what_clips_is_kept_though_it_is_not_seen() -> None:
    drawn = '<svg xmlns="http://www.w3.org/2000/svg"><defs><clipPath id="c"><path d="M0,0"/></clipPath></defs><path d="M1,1"/></svg>'

    assert '<clipPath id="f-c"><path d="M0,0" /></clipPath>' in clean(drawn, "x", prefix="f-")
    assert "M1,1" not in clean(drawn, "x", prefix="f-")


def test_what_is_no_shape_is_taken_out_of_a_figure() -> None:
    namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink"'
    drawn = (
        f'<svg {namespaces} onload="alert(1)"><script>alert(1)</script><a x:href="javascript:alert(1)"><text>a</text></a>'
        '<image x:href="file:///etc/passwd"/><foreignObject/><style>@import "x"</style><use x:href="#y"/>'
        '<path d="M0,0" stroke="#000" fill="url(https://evil.example)" style="x:url(y)" clip-path="url(#clip0)"/></svg>'
    )

    assert clean(drawn, "<alt>", prefix="f1-") == (
        '<svg xmlns="http://www.w3.org/2000/svg" role="img"><title>&lt;alt&gt;</title><path d="M0,0" stroke="#000" clip-path="url(#f1-clip0)" /></svg>'
    )


def test_the_document_lets_nothing_run_and_nothing_be_loaded() -> None:
    html = page(bad_month(), figures_of(bad_month()).each(words))
    style = html.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert f"default-src 'none'; style-src 'sha256-{digest}'" in html
    assert "url(" not in style
    assert "@import" not in style


def test_one_bad_request_is_never_a_hundred_per_cent() -> None:
    text = document(good_month()).words

    assert "41,144,476 of 41,160,116" in text
    assert "99.96 %" in text


def test_few_requests_are_counts() -> None:
    text = document(short_week()).words

    assert "611 of 615" in text
    assert "99.34" not in text


def test_without_data_everything_is_grey() -> None:
    drawn = figures_of(empty_month()).each(lambda figure: Drawn(title=figure.title, alt=figure.alt))
    seen = Seen(page(empty_month(), drawn))
    classes = {part for name, value in seen.attributes if name == "class" for part in value.split()}

    assert not classes & {"kept", "better", "worse", "left", "ship", "moved"}
    assert {"no-data", "unknown"} <= classes
    assert LIGHT.good not in draw(figures_of(empty_month()).throughput, 1)
    assert "100" not in seen.words.split(" Words ")[0]


def test_a_cause_that_nobody_has_entered_is_marked_as_likely() -> None:
    text = document(bad_month()).words

    assert "Root cause: A deploy of the payment gateway closed all connections at once." in text
    assert (
        "Nobody has entered a cause. Likeliest contributors, by their share of the bad requests: route POST /pay"
        in text
    )
    assert "still open" in text


def test_of_many_incidents_the_worst_are_told_and_the_others_listed_under_their_numbers() -> None:
    text = document(big_month()).words

    assert "The other 42, in short" in text
    assert "Checkout answers burns fast (49)" in text
    assert "likely: POST /pay" in text


def test_accounts_without_a_row_of_their_own_are_one_together() -> None:
    month = bad_month()
    assert month.other_accounts is not None
    events = sum(account.events for account in month.accounts[20:]) + month.other_accounts.events

    text = document(month).words

    assert "Acme 019 GmbH" in text
    assert "Acme 020 GmbH" not in text
    assert f"all others {events:,}" in text


def test_of_many_routes_the_worst_and_the_busiest_have_a_row_and_all_others_are_one() -> None:
    counted = [(1_000 + number, 7 if number == 3 else 0) for number in range(500)]
    routes = [route("GET", f"/route-{number}", tally(*each), None) for number, each in enumerate(counted)]
    others = sum(good for number, (good, _) in enumerate(counted) if number < 481 and number != 3)

    text = document(replace(bad_month(), routes=tuple(routes))).words

    assert text.count("/route-") == 20
    assert all(f"/route-{number} " in text for number in (3, 481, 499))
    assert f"480 others 100.00 % 0 {others:,} 0" in text


def test_paper_has_a_size_and_a_screen_has_none() -> None:
    assert "size: letter" in page(short_week(), figures_of(short_week()).each(words), Paper.LETTER)
    assert "@page" not in page(short_week(), figures_of(short_week()).each(words))


def test_target_changes_maintenance_and_completeness_are_told() -> None:
    text = document(bad_month()).words

    assert "Search is quick 99.5 % 99 % grace" in text
    assert "6,670 of 14,195" in text
    assert "1,904 of 26,998,002 stored were stored later than a minute" in text
    assert "1 of 31 days without data, events add up" in text


def test_a_mail_has_the_first_page_and_no_pictures() -> None:
    seen = Seen(first_page(bad_month()))

    assert not seen.tags & {"svg", "img", "style", "script", "link"}
    assert bad_month().verdict.sentence in seen.words
    assert "8 more are in the report." in seen.words
    assert "5 ✗" in seen.words


def test_a_mail_shows_names_of_people_who_mean_harm_as_they_are() -> None:
    seen = Seen(first_page(hostile_month()))

    assert not seen.tags & {"script", "img", "svg", "a", "link"}
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name in {"href", "src"}]
    assert '"><img src=x onerror=alert(1)> 21' in seen.words
