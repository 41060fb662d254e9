"""A schema, as people look its fields up."""

from __future__ import annotations

from typing import Annotated

import msgspec

from app.api.fields import Field, fields_of


class Inner(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000, description="What it is called.")]
    size: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Outer(msgspec.Struct):
    inners: Annotated[list[Inner], msgspec.Meta(max_length=5)]
    one: Inner | None = None


def test_fields_are_read_through_lists_references_and_what_may_be_null() -> None:
    (schema,), components = msgspec.json.schema_components([Outer], ref_template="#/components/schemas/{name}")

    assert list(fields_of(schema, components)) == [
        Field("inners", "list, at most 5 items", required=True, about=""),
        Field("inners[].name", "string, 1 to 1,000 characters", required=True, about="What it is called."),
        Field("inners[].size", "integer, at least 1", required=False, about=""),
        Field("one", "object", required=False, about=""),
        Field("one.name", "string, 1 to 1,000 characters", required=True, about="What it is called."),
        Field("one.size", "integer, at least 1", required=False, about=""),
    ]


def test_a_closed_set_shows_its_choices() -> None:
    schema = {"properties": {"state": {"enum": ["queued", "stored", None]}, "version": {"const": "1.0"}}}

    assert [field.kind for field in fields_of(schema, {})] == ["one of `queued`, `stored`", "`1.0`"]


def test_a_schema_that_contains_itself_comes_to_an_end() -> None:
    tree = {"properties": {"child": {"$ref": "#/components/schemas/Tree"}}}

    assert len(list(fields_of(tree, {"Tree": tree}))) == 5
