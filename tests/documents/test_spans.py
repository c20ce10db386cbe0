"""Places become lines and columns, late and right."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.documents import (
    dump,
    load_documents,
    locate,
    open_commit,
    open_work_tree,
    parse,
    span_of,
)
from chimera.model import Diagnostic, Place, Related, Span
from tests.documents.conftest import Repository

TEXT = """\
# é
kind: Workflow
spec:
  stages:
    - name: "a b"
      with: {x: 1, y: [2, 3]}
    - name: b
  text: |
    yes
---
second: true
"""


def at(text: str, place: Place, folder: Path) -> str:
    (folder / "f.yaml").write_text(text, newline="")
    return str(span_of(open_work_tree(folder), place)).removeprefix("f.yaml:")


@pytest.mark.parametrize(
    ("index", "route", "on", "expected"),
    [
        (0, (), "value", "2:1"),
        (0, ("kind",), "value", "2:7"),
        (0, ("kind",), "key", "2:1"),
        (0, ("spec", "stages", 0, "name"), "value", "5:13"),
        (0, ("spec", "stages", 0, "with", "y", 1), "value", "6:27"),
        (0, ("spec", "stages", 1), "value", "7:7"),
        (0, ("spec", "text"), "value", "8:9"),
        (1, ("second",), "value", "11:9"),
        (0, ("spec", "missing"), "value", "3:1"),
        (0, ("spec", "stages", 1, "missing"), "value", "7:7"),
        (0, ("spec", "Workflow", "stages"), "key", "4:3"),
        (0, ("spec", "stages", 9), "value", "4:3"),
        (0, ("missing",), "value", "2:1"),
        (7, ("kind",), "value", "1:1"),
    ],
)
def test_a_place_is_a_line_and_a_column(
    index: int, route: tuple[str | int, ...], on: str, expected: str, tmp_path: Path
) -> None:
    assert at(TEXT, Place("f.yaml", index, route, on), tmp_path) == expected  # type: ignore[arg-type]


def test_a_scalar_has_an_end_and_a_block_has_none(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(TEXT)
    tree = open_work_tree(tmp_path)
    assert span_of(tree, Place("f.yaml", 0, ("kind",))) == Span("f.yaml", 2, 7, 2, 15)
    assert span_of(tree, Place("f.yaml", 0, ("spec",))) == Span("f.yaml", 4, 3)


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems_count_alike(end: str, tmp_path: Path) -> None:
    place = Place("f.yaml", 0, ("spec", "stages", 1, "name"))
    assert at(TEXT.replace("\n", end), place, tmp_path) == "7:13"


def test_line_separators_of_yaml_1_1_do_not_count(tmp_path: Path) -> None:
    assert at("a: x\u2028\u0085y\nb: 1\n", Place("f.yaml", 0, ("b",)), tmp_path) == "2:4"


@pytest.mark.parametrize("content", ["a: [1\n", "\ufeffa: 1\n", "a: &é 1\n", "[" * 200_000, ""])
def test_a_file_that_cannot_be_composed_is_its_first_line(content: str, tmp_path: Path) -> None:
    assert at(content, Place("f.yaml", 0, ("a",)), tmp_path) == "1:1"


def test_an_absent_file_is_its_first_line(tmp_path: Path) -> None:
    assert span_of(open_work_tree(tmp_path), Place("no", 0, ("a",))) == Span("no")


def test_diagnostics_are_located_with_their_related_places_and_ordered(
    repository: Repository,
) -> None:
    repository.write("a.yaml", "x: 1\ny: 2\n")
    repository.write("b.yaml", "z: 3\n")
    repository.commit()
    related = (Related("here", Place("b.yaml", 0, ("z",))),)
    first = Diagnostic("r", "m", Place("a.yaml", 0, ("y",)), "h", related=related)
    second = Diagnostic("r", "m", Place("a.yaml", 0, ("x",)), "h")
    for tree in (open_work_tree(repository.root), open_commit(repository.root, "HEAD")):
        located = locate([first, second, first, Diagnostic("q", "m", Span("0"), "h")], tree)
        assert [str(d.span) for d in located] == ["0:1:1", "a.yaml:1:4", "a.yaml:2:4"]
        assert str(located[2].related[0].where) == "b.yaml:1:4"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=12,
)


def _routes(value: object, route: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [route, *(r for key, child in items for r in _routes(child, (*route, key)))]


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=6), JSON, min_size=1, max_size=4))
def test_every_scalar_is_found_where_it_is_written(value: dict[str, object]) -> None:
    from chimera.documents.scan import decode
    from chimera.documents.spans import compose, walk

    decoded = decode("f", dump(value).encode())
    if isinstance(decoded, Diagnostic):
        return
    documents, _ = parse("f", decoded.text.encode())
    if not documents:
        return
    (root,) = compose(decoded.text)
    for route in _routes(documents[0].value):
        key, node, complete = walk(root, Place("f", 0, route), {})
        assert complete
        if route and isinstance(route[-1], str):
            assert key.value == route[-1]
        expected: object = documents[0].value
        for segment in route:
            expected = expected[segment]  # type: ignore[index]
        if isinstance(expected, str):
            assert node.value == expected


def test_a_bad_number_is_placed_in_its_document(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n---\nb:\n  - .inf\n")
    tree = open_work_tree(tmp_path)
    (found,) = locate(load_documents(tree, ["."])[1], tree)
    assert (found.rule, str(found.span)) == ("yaml-number-not-json", "a.yaml:4:5")
