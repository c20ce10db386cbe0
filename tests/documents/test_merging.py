"""Merge keys: merged as PyYAML merges them, located where they are written, and bounded."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.documents import Extensions, parse_foreign, spans_of
from chimera.model import Place, Severity

MERGING = Extensions(merges=True)
NAMES = st.sampled_from(["a", "b", "c", "d"])
SCALARS = st.integers(0, 9) | st.sampled_from(["x", "y z"])


def _mapping(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mappings whose `<<` is a mapping, or a list of them."""
    plain = st.dictionaries(NAMES, inner, max_size=3)
    merged = plain | st.lists(plain, max_size=3)
    return st.builds(lambda own, more: {**own, **more}, plain, merged.map(lambda m: {"<<": m}))


VALUES = st.recursive(SCALARS, lambda inner: _mapping(inner) | st.lists(inner, max_size=3))


class Written:
    """Texts of one tree."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read_many(self, paths: Any, *, limit: int | None = None) -> dict[str, bytes]:
        return {path: self.text.encode() for path in paths}


def text_of(value: Any) -> str:
    """YAML of a value, its merge keys plain."""
    return json.dumps(value).replace('"<<"', "<<") + "\n"


def read(text: str) -> tuple[Any, list[str]]:
    values, faults = parse_foreign("a.yaml", text.encode(), MERGING)
    errors = [fault.rule for fault in faults if fault.severity is Severity.ERROR]
    return (values[0][1] if values else None), errors


def lines(text: str, *routes: tuple[Any, ...], on: Any = "value") -> list[int]:
    places = [Place("a.yaml", 0, route, on) for route in routes]
    spans = spans_of(Written(text), places)
    return [spans[place].line for place in places]


@settings(max_examples=100, deadline=None)
@given(_mapping(VALUES))
def test_merge_keys_merge_as_yaml_1_1_says(value: Any) -> None:
    text = text_of(value)
    assert read(text) == (yaml.safe_load(text), [])


COMPOSE = """\
x-logging: &logging
  driver: json-file
x-base: &base
  <<: *logging
  image: one
  deploy: {replicas: 3}
services:
  web:
    <<: *base
    image: two
  job:
    <<: [{image: three}, *base]
"""


def test_own_fields_win_and_then_the_first_mapping() -> None:
    found, errors = read(COMPOSE)
    assert not errors
    assert found["services"] == {
        "web": {"image": "two", "driver": "json-file", "deploy": {"replicas": 3}},
        "job": {"image": "three", "driver": "json-file", "deploy": {"replicas": 3}},
    }


def test_what_is_merged_stands_where_it_is_written() -> None:
    web, job = ("services", "web"), ("services", "job")
    assert lines(COMPOSE, (*web, "image"), (*job, "image")) == [10, 12]
    assert lines(COMPOSE, (*web, "deploy", "replicas"), (*job, "driver")) == [6, 2]
    assert lines(COMPOSE, (*web, "deploy"), on="key") == [6]
    assert lines(COMPOSE, (*web, "<<"), (*web, "nowhere")) == [3, 8]


def test_each_document_of_a_file_merges_by_itself() -> None:
    values, faults = parse_foreign("a.yaml", b"a: {<<: {b: 1}}\n---\n'<<': 1\n---\nc: 1\n", MERGING)
    assert [(index, value) for index, value, _ in values] == [(0, {"a": {"b": 1}}), (2, {"c": 1})]
    assert [(f.rule, f.severity) for f in faults] == [
        ("yaml-merge-key", Severity.WARNING),
        ("yaml-merge-key", Severity.ERROR),
    ]


def test_nothing_merges_where_it_is_not_let_in() -> None:
    values, faults = parse_foreign("a.yaml", b"a: {<<: {b: 1}}\n")
    assert not values
    assert [(f.rule, f.severity) for f in faults] == [("yaml-merge-key", Severity.ERROR)]


@pytest.mark.parametrize(
    "text",
    [
        "a: &a {"
        + ", ".join(f"k{n}: 1" for n in range(200))
        + "}\n"
        + "".join(f"b{n}: {{<<: *a}}\n" for n in range(101)),
        "a: "
        + "{<<: " * 90
        + "{"
        + ", ".join(f"k{n}: 1" for n in range(300))
        + "}"
        + "}" * 90
        + "\n",
        "a0: &a0 {x: 1}\n"
        + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 30)),
    ],
    ids=["many", "nested", "doubling"],
)
def test_merges_are_bounded(text: str) -> None:
    _, errors = read(text)
    assert errors == ["yaml-too-many-aliases"]


def test_a_mapping_that_merges_itself_has_places_all_the_same() -> None:
    assert lines("a: &a\n  <<: *a\n  b: 1\n", ("a", "b"), ("a", "c")) == [3, 1]
