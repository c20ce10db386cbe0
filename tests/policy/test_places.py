"""The narrowest field that an expression names and a document has."""

from typing import Any

import pytest

from chimera.policy.places import named_routes, narrowest

VALUE: dict[str, Any] = {
    "metadata": {"labels": {"a.b": "x"}},
    "spec": {"x": {"y": 1}, "list": [{"k": 1}], "name": "n"},
}


@pytest.mark.parametrize(
    ("expression", "route"),
    [
        ("object.spec.x.y == 1", ("spec", "x", "y")),
        ("has(object.spec.x.z)", ("spec", "x")),
        ("has(object.spec.rollback)", ("spec",)),
        ("object.metadata.labels['a.b'] == 'x'", ("metadata", "labels", "a.b")),
        ('object.metadata.labels["a.b"] == "x"', ("metadata", "labels", "a.b")),
        ("object.spec.list[0].k == 1", ("spec", "list", 0, "k")),
        ("object.spec.list[7].k == 1", ("spec", "list")),
        ("object.?spec.?x[?'y'].orValue(1) == 2", ("spec", "x", "y")),
        ("object.spec.name.startsWith('a')", ("spec", "name")),
        ("object.spec.list.all(l, l.k == 1)", ("spec", "list")),
        ("object.spec != null && object.spec.x.y > 0", ("spec", "x", "y")),
        ("object.spec.x == object.spec.list", ("spec", "x")),
        ("before.object.spec.x == 1", ()),
        ("myobject.spec.x == 1", ()),
        ("true", ()),
        ("object.kind.deeper", ()),
    ],
)
def test_narrowest_existing_route_is_meant(expression: str, route: tuple[Any, ...]) -> None:
    assert narrowest(expression, VALUE) == route


def test_every_named_route_is_found() -> None:
    found = list(named_routes("object.a.b == 1 || object['c'] in object.d"))
    assert found == [("a", "b"), ("c",), ("d",)]
