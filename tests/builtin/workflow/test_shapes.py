"""Which shapes can stand where others are expected."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.workflow.shapes import ANYTHING, Shape, accepts
from chimera.kinds import Field, Items, Model

TYPES = ["string", "integer", "number", "boolean", "null"]
leaves = st.sampled_from([{"type": name} for name in TYPES] + [{}])
schemas = st.recursive(
    leaves,
    lambda inner: (
        inner.map(lambda item: {"type": "array", "items": item})
        | inner.map(lambda item: {"type": "object", "additionalProperties": item})
        | st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches})
    ),
    max_leaves=6,
)


@given(schemas)
def test_every_shape_accepts_itself(schema: dict[str, Any]) -> None:
    assert accepts(Shape(schema), Shape(schema))


@given(schemas)
def test_anything_fits_and_takes_anything(schema: dict[str, Any]) -> None:
    assert accepts(ANYTHING, Shape(schema))
    assert accepts(Shape(schema), ANYTHING)


@given(schemas, schemas)
def test_a_wider_union_takes_no_less(schema: dict[str, Any], more: dict[str, Any]) -> None:
    assert accepts(Shape({"anyOf": [schema, more]}), Shape(schema))


@pytest.mark.parametrize(
    ("target", "source", "fits"),
    [
        ({"type": "number"}, {"type": "integer"}, True),
        ({"type": "integer"}, {"type": "number"}, False),
        ({"type": "integer"}, {"anyOf": [{"type": "integer"}, {"type": "null"}]}, False),
        ({"type": ["integer", "null"]}, {"type": "null"}, True),
        ({"type": "array", "items": {"type": "string"}}, {"type": "array"}, True),
        (
            {"type": "array", "items": {"type": "string"}},
            {"type": "array", "items": {"type": "integer"}},
            False,
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"type": "object", "properties": {}, "additionalProperties": False},
            False,
        ),
        (
            {"type": "object", "properties": {}, "additionalProperties": False},
            {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
            False,
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"type": "object", "additionalProperties": {"type": "integer"}},
            False,
        ),
    ],
)
def test_types_agree(target: dict[str, Any], source: dict[str, Any], fits: bool) -> None:
    assert accepts(Shape(target), Shape(source)) is fits


class Node(Model):
    """A model that contains itself."""

    name: str = Field(description="Name.")
    children: Items[Node] = Field(default=(), description="More of them.")
    extra: dict[str, int] | None = Field(default=None, description="Numbers.")


def test_a_shape_that_contains_itself_is_compared_and_walked() -> None:
    shape = Shape.of_model(Node, "serialization")
    assert accepts(Shape.of_model(Node, "validation"), shape)
    assert str(shape.at(("children", 0, "children", "3", "name"))) == "string"
    assert str(shape.at(("extra", "x"))) == "integer"
    assert shape.at(("extra", "x", "y")) is None
    assert shape.at(("nothing",)) is None
    assert shape.at(("children", "first")) is None
    assert str(shape.at(("extra",))) == "object or null"
