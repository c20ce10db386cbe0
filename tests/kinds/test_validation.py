"""Everything wrong with a document, at once, in the right place, in the words of YAML."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

Faults = Callable[[str], list[tuple[str, str, str]]]


def test_a_valid_document_has_no_faults(folder: Any) -> None:
    folder.thing("a", "{size: 3, parts: [{name: x}], shapes: [{shape: circle, radius: 1.5}]}")
    assert folder.seen() == []
    (document,) = folder.load().snapshot.documents.values()
    assert (document.spec.size, document.spec.shapes[0].radius) == (3, 1.5)


def test_every_fault_is_reported_at_once_where_it_stands(spec_faults: Faults) -> None:
    found = spec_faults(
        """\
        sizes: 1
        size: big
        loud: 1
        parts:
          - name: 5
            colour: red
          - {}
        """
    )
    assert found == [
        ("field-unknown", "5:3", "unknown field 'sizes'"),
        ("field-invalid", "6:9", "size: input should be an integer"),
        ("field-invalid", "7:9", "loud: input should be true or false"),
        ("field-invalid", "9:13", "parts.0.name: input should be a string"),
        ("field-unknown", "10:7", "unknown field 'colour'"),
        ("field-missing", "11:7", "the field 'name' is missing"),
    ]


def test_past_unknown_fields_the_rest_is_judged_in_the_same_go(spec_faults: Faults) -> None:
    found = spec_faults("siez: 1\nneeds: [Thing/gone]\n")
    assert [f[:2] for f in found] == [("field-unknown", "5:3"), ("reference-dangling", "6:11")]


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("shapes: [{shape: circle}]", ("field-missing", "5:12", "the field 'radius' is missing")),
        ("shapes: [{radius: 1.0}]", ("field-missing", "5:12", "the field 'shape' is missing")),
        (
            "shapes: [{shape: cube}]",
            ("field-invalid", "5:20", "shapes.0.shape: input should be one of 'circle', 'square'"),
        ),
        (
            "shapes: [{shape: circle, radius: 1.0, side: 2.0}]",
            ("field-unknown", "5:41", "unknown field 'side'"),
        ),
        (
            "shapes: [{shape: square, side: long}]",
            ("field-invalid", "5:34", "shapes.0.side: input should be a number"),
        ),
        ("shapes: [round]", ("field-invalid", "5:12", "shapes.0: input should be a mapping")),
        (
            "anything: [1]",
            (
                "field-invalid",
                "5:13",
                "anything: input should be a string, an integer or true or false",
            ),
        ),
    ],
)
def test_unions_are_judged_by_the_branch_that_was_meant(
    spec_faults: Faults, spec: str, fault: tuple[str, str, str]
) -> None:
    assert spec_faults(spec) == [fault]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("parts: x", "input should be a list"),
        ("parts: {a: 1}", "input should be a list"),
        ("parts: [x]", "input should be a mapping"),
        ("friends: [x]", "input should be a mapping"),
        ("friends: {a: thing}", "'thing' is not an address, as in Policy/timeouts"),
        ("size: 1.5", "input should be an integer"),
        ("size: null", "input should be an integer"),
        ("owner: [1]", "input should be a string"),
        ("layer: L1", "'L1' is not a layer, written contract/id"),
        ("shapes: [{shape: circle, radius: x}]", "input should be a number"),
    ],
)
def test_messages_are_in_the_words_of_yaml(spec_faults: Faults, spec: str, words: str) -> None:
    ((rule, _, message),) = spec_faults(spec)
    assert rule == "field-invalid"
    assert message.partition(": ")[2] == words
    assert not re.search(r"\b(tuple|dict|dictionary|NoneType|str|int|bool|tag|valid)\b", message)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("siez", "size"), ("part", "parts"), ("friend", "friends")],
)
def test_a_misspelt_field_gets_a_suggestion(folder: Any, wrong: str, near: str) -> None:
    folder.thing("a", f"{{{wrong}: 1}}")
    (fault,) = folder.faults()
    assert fault.help == f"did you mean {near}?"


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("{shapes: [{shape: circle, raduis: 1.0}]}", "did you mean radius?"),
        ("{parts: [{nmae: x}]}", "did you mean name?"),
    ],
)
def test_a_misspelt_field_is_not_told_as_missing_as_well(
    folder: Any, spec: str, fault: str
) -> None:
    folder.thing("a", spec)
    (found,) = folder.faults()
    assert (found.rule, found.help) == ("field-unknown", fault)


def test_a_field_is_missing_where_what_is_misspelt_is_another(folder: Any) -> None:
    folder.thing("a", "{parts: [{nmae: x}, {colour: red}]}")
    assert sorted(f.rule for f in folder.faults()) == ["field-missing", *["field-unknown"] * 2]


def test_a_field_like_no_other_is_told_those_there_are(folder: Any) -> None:
    folder.thing("a", "{zzz: 1}")
    (fault,) = folder.faults()
    assert fault.help.startswith("remove it; ")


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("kind: Thing\nmetadata: {name: a}\n", [("field-missing", "1:1")]),
        (
            "apiVersion: chimera/v2\nkind: Thing\nmetadata: {name: a}\n",
            [("document-api-version", "1:13")],
        ),
        (
            "apiVersion: [1]\nkind: Thing\nmetadata: {name: a}\n",
            [("document-api-version", "1:13")],
        ),
        ("apiVersion: chimera/v1\nmetadata: {name: a}\n", [("field-missing", "1:1")]),
        ("apiVersion: chimera/v1\nkind: Thing\n", [("field-missing", "1:1")]),
        ("apiVersion: chimera/v1\nkind: Thing\nmetadata:\n", [("field-invalid", "3:10")]),
        ("apiVersion: chimera/v1\nkind: Thing\nmetadata: {}\n", [("field-missing", "3:11")]),
        ("apiVersion: chimera/v1\nkind: [Thing]\nmetadata: {name: a}\n", [("kind-unknown", "2:7")]),
        ("apiVersion: chimera/v1\nkind: Thnig\nmetadata: {name: a}\n", [("kind-unknown", "2:7")]),
        (
            "apiVersion: chimera/v1\nkind: Thing\nmetadata: {name: a}\nstatus: {}\n",
            [("field-unknown", "4:1")],
        ),
        ("{}\n", [("field-missing", "1:1")] * 3),
        ("apiVersion: chimera/v1\nkind: Thing\nmetadta: {name: a}\n", [("field-unknown", "3:1")]),
        (
            "apiVersion: v1\nkind: Nothing\nmetadata: {name: A, extra: 1}\nspce: {}\n",
            [
                ("document-api-version", "1:13"),
                ("kind-unknown", "2:7"),
                ("field-invalid", "3:18"),
                ("field-unknown", "3:21"),
                ("field-unknown", "4:1"),
            ],
        ),
    ],
)
def test_the_envelope_is_judged_whole(
    folder: Any, text: str, faults: list[tuple[str, str]]
) -> None:
    folder.write("specs/a.yaml", text)
    assert folder.seen() == [(rule, f"specs/a.yaml:{place}") for rule, place in faults]


def test_a_misspelt_kind_gets_a_suggestion(folder: Any) -> None:
    folder.thing("a", kind="Thnig")
    (fault,) = folder.faults()
    assert (fault.message, fault.help) == ("unknown kind 'Thnig'", "did you mean Thing?")


def test_a_spec_may_be_left_out_where_nothing_in_it_is_required(folder: Any) -> None:
    folder.write("specs/a.yaml", "apiVersion: chimera/v1\nkind: Thing\nmetadata: {name: a}\n")
    assert folder.seen() == []


def test_every_fault_names_its_document_and_what_to_do(folder: Any) -> None:
    folder.thing("a", "{size: x, zzz: 1, shapes: [{}]}")
    faults = folder.faults()
    assert len(faults) == 3
    for fault in faults:
        assert fault.address == "Thing/a"
        assert fault.help
        assert fault.message[0].islower()
        assert "!" not in fault.message


@pytest.mark.parametrize(
    ("glob", "is_inside"),
    [
        ("docs", True),
        ("/etc", False),
        ("../other", False),
        ("a/../../b", False),
        ('"a,b"', False),
        ('"a\\0b"', False),
        ("..data", True),
    ],
)
def test_globs_stay_inside_the_tree(folder: Any, glob: str, is_inside: bool) -> None:
    folder.thing("r", f"{{roots: [{glob}]}}", kind="Repository")
    rules = [rule for rule, _ in folder.seen() if rule == "glob-outside-tree"]
    assert rules == ([] if is_inside else ["glob-outside-tree"])


@pytest.mark.parametrize(
    ("pause", "found"),
    [
        ("1h30m", []),
        ("soon", ["pause: 'soon' is not a duration; write 90s, 15m or 1h30m"]),
        ("5", ["pause: this is not a duration; write 90s, 15m or 1h30m"]),
        ("999999999999d", ["pause: '999999999999d' is longer than can be counted"]),
    ],
)
def test_a_duration_has_a_unit(folder: Any, pause: str, found: list[str]) -> None:
    folder.thing("a", f"{{pause: {pause}}}")
    assert [(d.rule, d.message) for d in folder.faults()] == [
        ("duration-invalid", m) for m in found
    ]
