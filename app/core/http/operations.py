"""What a view does, said beside it: the OpenAPI document and the page of documentation are made of nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from app.domain.shards import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.core.problems import ProblemType

P = ParamSpec("P")
R = TypeVar("R")

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """Something in the address or a header. `schema` is JSON Schema; `where` is path, query or header."""

    name: str
    where: str
    about: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    required: bool = False
    example: Any = None


def account_parameter(about: str, *, where: str = "path", required: bool = True, example: str = "acme") -> Parameter:
    """Return the id of an account; one that is not required has no example."""
    return Parameter(
        name="account_id",
        where=where,
        about=about,
        schema={"type": "string", "pattern": f"^{ACCOUNT_ID.pattern}$"},
        required=required,
        example=example if required else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A body of one content type: `shape` is a type that msgspec knows, or JSON Schema."""

    shape: Any
    example: Any = None
    content_type: str = JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that is no problem. `headers` maps names to what they say."""

    status: int
    about: str
    content: tuple[Content, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderField:
    """A header field of answers, with an example."""

    about: str
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one route. Problems that follow from its authorisation or its body need no mention.

    `headers` are on all its answers, also on refusals once it is known whose the request is.
    """

    summary: str
    about: str = ""
    tag: str
    parameters: tuple[Parameter, ...] = ()
    body: tuple[Content, ...] = ()
    answers: tuple[Answer, ...]
    problems: tuple[ProblemType, ...] = ()
    headers: Mapping[str, HeaderField] = field(default_factory=dict)


def describe(operation: Operation | None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Say what a view does; None for a page that is for people and no part of the API."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        view.operation = operation  # type: ignore[attr-defined]  # A function has no declared attributes.
        return view

    return decorate


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """Return what a view says of itself. Raises `LookupError` when it says nothing."""
    try:
        operation: Operation | None = view.operation  # type: ignore[attr-defined]  # See `describe`.
    except AttributeError:
        raise LookupError(f"the view {view.__qualname__} does not say what it does") from None
    return operation
