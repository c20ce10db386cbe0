"""Files of other systems: JSON and front matter are read as they are, with places that hold."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.documents import open_work_tree, parse_foreign, span_of
from chimera.documents.portions import is_document, yaml_part
from chimera.model import Place, Route


def _text(highest: int = 0x10FFFF) -> st.SearchStrategy[str]:
    characters = st.characters(
        max_codepoint=highest,
        exclude_categories=["Cc", "Cs", "Cn"],
        exclude_characters="\ufeff",
    )
    return st.text(characters, max_size=6)


TEXT = _text()
# No place is found behind a key that JSON escapes as two surrogates: its mapping stands for it.
KEYS = _text(0xFFFF)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def scalars(value: Any, route: Route = ()) -> Iterator[tuple[Route, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from scalars(inner, (*route, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from scalars(inner, (*route, position))
    else:
        yield route, value


@settings(max_examples=150, deadline=None)
@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_json_is_read_as_json_reads_it(value: Any, indent: int | str | None, ascii: bool) -> None:
    data = json.dumps(value, indent=indent, ensure_ascii=ascii).encode()
    assert parse_foreign("a.json", data) == ([(0, value, True)], [])


@settings(max_examples=60, deadline=None)
@given(value=VALUES, indent=st.sampled_from([None, 1, "\t"]))
def test_places_in_json_lead_to_the_text_of_the_value(
    tmp_path_factory: pytest.TempPathFactory, value: Any, indent: int | str | None
) -> None:
    root = tmp_path_factory.mktemp("tree")
    text = json.dumps(value, indent=indent) + "\n"
    (root / "a.json").write_text(text)
    lines = text.splitlines()
    for route, scalar in scalars(value):
        span = span_of(open_work_tree(root), Place("a.json", 0, route))
        rest = lines[span.line - 1][span.column - 1 :]
        assert rest.startswith(json.dumps(scalar)), (route, span)


@settings(max_examples=100, deadline=None)
@given(VALUES, st.binary(max_size=30), st.sampled_from(["---", "...", "---\r"]))
def test_front_matter_is_read_whatever_follows_it(value: Any, body: bytes, closing: str) -> None:
    matter = json.dumps(value, indent=1)
    data = f"---\n{matter}\n{closing}\n".encode() + body
    found, faults = parse_foreign("a.md", data)
    alone, its_faults = parse_foreign("a.yaml", f"---\n{matter}\n".encode())
    assert found == alone
    assert [fault.rule for fault in faults] == [fault.rule for fault in its_faults]


@given(st.sampled_from(["a.md", "a.json", "a.yaml"]), st.binary(max_size=60))
def test_the_part_that_is_yaml_keeps_every_place(path: str, data: bytes) -> None:
    part = yaml_part(path, data)
    assert yaml_part(path, part) == part
    if path == "a.json":
        assert len(part) == len(data)
    else:
        assert data.startswith(part)


@given(st.sampled_from(["a.md", "a.json", "a.yaml", "a"]), st.binary(max_size=200))
def test_no_bytes_crash_the_reader_and_every_fault_has_a_place(path: str, data: bytes) -> None:
    for prefix in (b"", b"---\n", b"[", b'{"'):
        values, faults = parse_foreign(path, prefix + data)
        assert values or faults
        assert all(fault.where.path == path for fault in faults)


@pytest.mark.parametrize(
    ("path", "is_ours"),
    [
        ("specs/a.yaml", True),
        ("specs/a/b.yml", True),
        ("specs/a.json", False),
        ("specs/.hidden/a.yaml", False),
        ("deploy/a.yaml", False),
        ("specs.yaml", False),
    ],
)
def test_a_document_lies_below_a_root_and_is_yaml(path: str, is_ours: bool, tmp_path: Path) -> None:
    assert is_document(path, ("specs", "../outside")) is is_ours
