"""A form that was refused, shown again in its page: with what was typed, and with each error beside its field.

It is done to the page's HTML, so that templates write their forms down once, as if nothing ever went wrong.
"""

from __future__ import annotations

from html import escape, unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.core.problems import Problem

_KEPT = frozenset({"hidden", "password", "submit", "file"})
_TICKED = frozenset({"checkbox", "radio"})
_VERBS = frozenset({"is", "has", "may", "must", "does", "names", "needs", "ends", "begins"})

Attributes = list[tuple[str, str | None]]


def refilled(html: str, action: str, fields: Mapping[str, Sequence[str]], problem: Problem) -> str | None:
    """Return a page with the form of `action` as it was sent; None when the page has no such form."""
    page = _Refilling(action, fields, problem)
    page.feed(html)
    page.close()
    return page.html() if page.found else None


class _Refilling(HTMLParser):
    """Copies a page, and changes the fields of one form. Values of one name are given back in their order."""

    def __init__(self, action: str, fields: Mapping[str, Sequence[str]], problem: Problem) -> None:
        super().__init__(convert_charrefs=False)
        self.found = False
        self._action = action
        self._sent = {name: list(values) for name, values in fields.items()}
        self._problem = problem
        self._errors: dict[str, list[str]] = {}
        for error in problem.errors:
            self._errors.setdefault(_field_of(error.field or ""), []).append(error.detail)
        self._out: list[str] = []
        self._notice = 0
        self._inside = False
        self._folded: list[int] = []
        self._chosen: list[str] | None = None
        self._option: tuple[Attributes, list[str]] | None = None
        self._dropping = False
        self._owed: list[str] = []
        self._boxed = False
        self._led = False

    def html(self) -> str:
        return "".join(self._out)

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        given = dict(attrs)
        if tag == "details":
            self._folded.append(len(self._out))
        if tag == "form" and given.get("method") == "post" and given.get("action") == self._action:
            self._begin()
            return
        if not self._inside:
            self._copy()
        elif tag == "input":
            self._input(attrs, given)
        elif tag == "select":
            name = given.get("name") or ""
            self._chosen = self._sent.get(name)
            self._control(tag, attrs, name)
        elif tag == "option":
            self._option = (attrs, [])
        elif tag == "textarea":
            name = given.get("name") or ""
            self._control(tag, attrs, name)
            typed = self._sent.get(name)
            if typed:
                # A line feed that follows the tag is not part of what is in it.
                self._out.append("\n" + escape(typed.pop(0)))
                self._dropping = True
        else:
            self._copy()

    def handle_endtag(self, tag: str) -> None:
        if tag == "option" and self._option is not None:
            self._end_option(*self._option)
            return
        self._dropping = False
        if tag == "details" and self._folded:
            self._folded.pop()
        if self._owed and tag in {"label", "fieldset", "form"} and not (tag == "label" and self._boxed):
            # What is wrong with boxes to tick is of all of them.
            self._out.extend(self._owed)
            self._owed.clear()
            self._boxed = False
        self._out.append(f"</{tag}>")
        if tag == "form" and self._inside:
            self._inside = False
            self._out[self._notice] += self._said()
        if tag == "select":
            self._chosen = None

    def handle_startendtag(self, _tag: str, _attrs: Attributes) -> None:
        self._copy()

    def handle_data(self, data: str) -> None:
        self._text(data)

    def handle_entityref(self, name: str) -> None:
        self._text(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._text(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        self._out.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self._out.append(f"<!{decl}>")

    def _begin(self) -> None:
        self.found = self._inside = True
        for place in self._folded:
            if " open" not in self._out[place]:
                self._out[place] = self._out[place].replace("<details", "<details open", 1)
        self._copy()
        self._notice = len(self._out) - 1

    def _copy(self) -> None:
        self._out.append(self.get_starttag_text() or "")

    def _text(self, text: str) -> None:
        if self._option is not None:
            self._option[1].append(text)
        elif not self._dropping:
            self._out.append(text)

    def _input(self, attrs: Attributes, given: Mapping[str, str | None]) -> None:
        name, kind = given.get("name") or "", given.get("type") or "text"
        if not name or kind in _KEPT:
            self._copy()
            return
        if kind in _TICKED:
            ticked = (given.get("value") or "on") in self._sent.get(name, ())
            attrs = _with(attrs, checked="" if ticked else None)
            self._boxed = self._boxed or name in self._errors
        elif typed := self._sent.get(name):
            attrs = _with(attrs, value=typed.pop(0))
        self._control("input", attrs, name)

    def _control(self, tag: str, attrs: Attributes, name: str) -> None:
        """Write a field, and what is wrong with it behind its label: to the first of a name, of several."""
        found = self._errors.pop(name, None)
        if found is not None:
            attrs = _with(attrs, aria_invalid="true", autofocus=None if self._led else "")
            self._led = True
            self._owed.append(f'<span class="wrong">{" ".join(escape(_sentence(each)) for each in found)}</span>')
        self._out.append(_tag(tag, attrs))

    def _end_option(self, attrs: Attributes, words: list[str]) -> None:
        self._option = None
        text = "".join(words)
        value = dict(attrs).get("value")
        if self._chosen is not None:
            own = unescape(text).strip() if value is None else value
            attrs = _with(attrs, selected="" if own in self._chosen else None)
        self._out.append(f"{_tag('option', attrs)}{text}</option>")

    def _said(self) -> str:
        """Return what was refused as a whole, and what no field is there for."""
        others = [
            f"{field}: {_sentence(each)}" if field else each for field, all_ in self._errors.items() for each in all_
        ]
        listed = "".join(f"<li>{escape(each)}</li>" for each in others)
        said = f"<p><strong>{escape(self._problem.detail)}</strong></p>" + (f"<ul>{listed}</ul>" if listed else "")
        return f'<div class="notice bad" role="alert">{said}</div>'


def _field_of(path: str) -> str:
    """Return the field of a form that a place in a use case's values is: `to[1]` is one of `to`."""
    return path.partition("[")[0].partition(".")[0]


def _sentence(words: str) -> str:
    """Return what is said of a field as a sentence: some say `is not a tier`, as behind the field's name."""
    whole = f"it {words}" if words.partition(" ")[0] in _VERBS else words
    return f"{whole[:1].upper()}{whole[1:]}{'' if whole.endswith(('.', '!', '?')) else '.'}"


def _with(attrs: Attributes, **changes: str | None) -> Attributes:
    """Return attributes with some set anew, or taken away where they are None."""
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    kept = [(name, value) for name, value in attrs if name not in named]
    return kept + [(name, value) for name, value in named.items() if value is not None]


def _tag(tag: str, attrs: Attributes) -> str:
    parts = "".join(f" {name}" if value is None else f' {name}="{escape(value)}"' for name, value in attrs)
    return f"<{tag}{parts}>"
