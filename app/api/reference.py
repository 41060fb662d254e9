"""The OpenAPI document as a person reads it: sections of operations, each with an example to copy."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from app.api.fields import fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CODE = re.compile(r"`([^`]+)`")
_FIRST_ERROR = 400
_TOO_MANY = "429"
_PARAGRAPH = "\n\n"


@dataclass(frozen=True, slots=True)
class ShownField:
    """One line about a field of a body."""

    path: str
    kind: Markup
    required: bool
    about: Markup


@dataclass(frozen=True, slots=True)
class ShownBody:
    """A body of one content type, with an example as it is sent."""

    content_type: str
    example: str
    fields: tuple[ShownField, ...]


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """One status. `headers` are name, description and example.

    Refusals look alike, but for those that say when to come back: `whole` has each reason with its answer, head and body.
    """

    status: str
    about: Markup
    bodies: tuple[ShownBody, ...]
    headers: tuple[tuple[str, Markup, str], ...]
    whole: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ShownOperation:
    """One method of one address."""

    anchor: str
    method: str
    path: str
    breakable_path: Markup
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
    components = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append(_shown(base + path, path, method.upper(), operation, components))
    return [Section(name, tuple(operations)) for name, operations in by_tag.items()]


def _shown(
    url: str, path: str, method: str, operation: Mapping[str, Any], components: Mapping[str, Any]
) -> ShownOperation:
    answers = list(_answers(operation["responses"], components))
    bodies = tuple(_bodies(operation.get("requestBody", {}), components))
    parameters = operation.get("parameters", ())
    return ShownOperation(
        anchor=f"{method.lower()}{re.sub(r'[^a-z0-9]+', '-', path.lower())}".strip("-"),
        method=method,
        path=path,
        breakable_path=escape(path).replace("/", Markup("/<wbr>")),
        summary=operation["summary"],
        about=tuple(_prose(text) for text in operation["description"].split(_PARAGRAPH) if text),
        curl=_curl(_filled(url, parameters), method, secured=bool(operation["security"]), bodies=bodies),
        parameters=tuple((p["name"], p["in"], p["required"], _prose(p["description"])) for p in parameters),
        bodies=bodies,
        answers=tuple(answer for answer in answers if int(answer.status) < _FIRST_ERROR),
        problems=tuple(answer for answer in answers if int(answer.status) >= _FIRST_ERROR),
    )


def _answers(responses: Mapping[str, Any], components: Mapping[str, Any]) -> Iterator[ShownAnswer]:
    for status, response in sorted(responses.items()):
        headers = response.get("headers", {}).items()
        yield ShownAnswer(
            status,
            _prose(response["description"]),
            tuple(_bodies(response, components)),
            tuple((name, _prose(header["description"]), header.get("example", "")) for name, header in headers),
            tuple(_whole(response)) if status == _TOO_MANY else (),
        )


def _whole(response: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each reason of a refusal, with the answer as it comes over the wire."""
    for content_type, media in response["content"].items():
        fields = {name: header["example"] for name, header in response["headers"].items() if "example" in header}
        for slug, example in media["examples"].items():
            body = example["value"]
            head = {"Content-Type": content_type} | fields | {"Retry-After": body["retry_after"]}
            if "RateLimit" in head:
                # Of what has refused nothing is left.
                head["RateLimit"] = re.sub(rf'("{body.get("limit")}";r=)\d+', r"\g<1>0", head["RateLimit"])
            lines = [f"HTTP/1.1 {body['status']} Too Many Requests", *(f"{name}: {head[name]}" for name in head)]
            yield slug, "\n".join([*lines, "", json.dumps(body, indent=2, ensure_ascii=False)])


def _bodies(holder: Mapping[str, Any], components: Mapping[str, Any]) -> Iterator[ShownBody]:
    for content_type, media in holder.get("content", {}).items():
        if "example" in media:
            example = media["example"]
            text = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
            fields = (
                ShownField(field.path, _prose(field.kind), field.required, _prose(field.about))
                for field in fields_of(media["schema"], components)
            )
            yield ShownBody(content_type, text, tuple(fields))


def _filled(url: str, parameters: Any) -> str:
    """The address with the examples of its parameters, and those of the query that must be there."""
    query = []
    for parameter in parameters:
        if "example" not in parameter:
            continue
        if parameter["in"] == "path":
            url = url.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        elif parameter["in"] == "query":
            query.append(f"{parameter['name']}={parameter['example']}")
    return url + ("?" + "&".join(query) if query else "")


def _curl(url: str, method: str, *, secured: bool, bodies: tuple[ShownBody, ...]) -> str:
    implied = "POST" if bodies else "GET"
    lines = ["curl " + ("" if method == implied else f"-X {method} ") + shlex.quote(url)]
    if secured:
        lines.append('-H "Authorization: Bearer $SLIPSTREAM_KEY"')
    if bodies:
        lines += [f"-H 'Content-Type: {bodies[0].content_type}'", f"-d {shlex.quote(bodies[0].example)}"]
    return " \\\n  ".join(lines)


def _prose(text: str) -> Markup:
    """Escaped text, in which what stands between backticks is code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - It is escaped first.
