"""The OpenAPI document as a person reads it: sections of operations, each with an example to copy."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CODE = re.compile(r"`([^`]+)`")
_FIRST_ERROR = 400
_PARAGRAPH = "\n\n"


@dataclass(frozen=True, slots=True)
class ShownBody:
    """A body of one content type, with an example as it is sent."""

    content_type: str
    example: str


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """One status; a refusal has no example of its own, for all refusals look alike."""

    status: str
    about: Markup
    bodies: tuple[ShownBody, ...]
    headers: tuple[tuple[str, Markup], ...]


@dataclass(frozen=True, slots=True)
class ShownOperation:
    """One method of one address."""

    anchor: str
    method: str
    path: str
    summary: str
    about: tuple[Markup, ...]
    curl: str
    parameters: tuple[tuple[str, str, bool, Markup], ...]
    bodies: tuple[ShownBody, ...]
    answers: tuple[ShownAnswer, ...]
    problems: tuple[ShownAnswer, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Operations that belong together."""

    name: str
    operations: tuple[ShownOperation, ...]


def reference(document: Mapping[str, Any]) -> list[Section]:
    """Return what there is to show, in the document's order."""
    base = document["servers"][0]["url"]
    by_tag: dict[str, list[ShownOperation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append(_shown(base, path, method.upper(), operation))
    return [Section(name, tuple(operations)) for name, operations in by_tag.items()]


def _shown(base: str, path: str, method: str, operation: Mapping[str, Any]) -> ShownOperation:
    answers = list(_answers(operation["responses"]))
    bodies = tuple(_bodies(operation.get("requestBody", {})))
    parameters = operation.get("parameters", ())
    return ShownOperation(
        anchor=f"{method.lower()}{re.sub(r'[^a-z0-9]+', '-', path.lower())}".strip("-"),
        method=method,
        path=path,
        summary=operation["summary"],
        about=tuple(_prose(text) for text in operation["description"].split(_PARAGRAPH) if text),
        curl=_curl(base + _filled(path, parameters), method, secured=bool(operation["security"]), bodies=bodies),
        parameters=tuple((p["name"], p["in"], p["required"], _prose(p["description"])) for p in parameters),
        bodies=bodies,
        answers=tuple(answer for answer in answers if int(answer.status) < _FIRST_ERROR),
        problems=tuple(answer for answer in answers if int(answer.status) >= _FIRST_ERROR),
    )


def _answers(responses: Mapping[str, Any]) -> Iterator[ShownAnswer]:
    for status, response in sorted(responses.items()):
        headers = response.get("headers", {}).items()
        yield ShownAnswer(
            status,
            _prose(response["description"]),
            tuple(_bodies(response)),
            tuple((name, _prose(header["description"])) for name, header in headers),
        )


def _bodies(holder: Mapping[str, Any]) -> Iterator[ShownBody]:
    for content_type, media in holder.get("content", {}).items():
        if "example" in media:
            example = media["example"]
            text = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
            yield ShownBody(content_type, text)


def _filled(path: str, parameters: Any) -> str:
    """The path with the examples of its parameters, and those of the query that must be there."""
    query = []
    for parameter in parameters:
        if "example" not in parameter:
            continue
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        elif parameter["in"] == "query":
            query.append(f"{parameter['name']}={parameter['example']}")
    return path + ("?" + "&".join(query) if query else "")


def _curl(url: str, method: str, *, secured: bool, bodies: tuple[ShownBody, ...]) -> str:
    lines = [f"curl {url!r}" if method == "GET" or bodies else f"curl -X {method} {url!r}"]
    if secured:
        lines.append('-H "Authorization: Bearer $SLIPSTREAM_KEY"')
    if bodies:
        if method != "POST":
            lines[0] = f"curl -X {method} {url!r}"
        lines += [f"-H 'Content-Type: {bodies[0].content_type}'", f"-d '{bodies[0].example}'"]
    return " \\\n  ".join(lines)


def _prose(text: str) -> Markup:
    """Escaped text, in which what stands between backticks is code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - It is escaped first.
