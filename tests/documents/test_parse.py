"""What a YAML file may say, and what each refusal is called."""

from __future__ import annotations

import math
import sys
from typing import Any

import pytest
import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from chimera.documents import parse
from chimera.documents.scalars import core_value, legacy_reading
from chimera.documents.scan import MAX_BYTES, MAX_DEPTH, MAX_INDENT
from chimera.model import Severity, canonical_json


def rules(text: str | bytes) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    return [diagnostic.rule for diagnostic in parse("f.yaml", data)[1]]


def values(text: str) -> list[dict[str, Any]]:
    documents, diagnostics = parse("f.yaml", text.encode())
    assert not diagnostics
    return [document.value for document in documents]


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
)

FIRES: dict[str, list[str | bytes]] = {
    "yaml-not-utf8": [b"a: \xff\n", b"\xff\xfea\x00", "é: ü\n".encode("latin-1")],
    "yaml-byte-order-mark": ["\ufeffa: 1\n", "a: 1\n---\n\ufeffb: 1\n"],
    "yaml-control-character": [
        b"a: 1\x00\n",
        b"a: \x07\n",
        "a: \x9b\n",
        b"a:\x0c!t b\n",
        "a: \x7f",
    ],
    "yaml-too-large": ["a: " + "x" * MAX_BYTES],
    "yaml-too-deep": [
        "a: " + "[" * 200_000,
        "a: " + "[" * 150 + "]" * 150 + "\n",
        "- " * 200_000 + "x\n",
        "\n".join(" " * i + "a:" for i in range(MAX_DEPTH + 5)) + "\n",
        " " * (MAX_INDENT + 1) + "a: 1\n",
    ],
    "yaml-too-many-aliases": [BOMB],
    "yaml-recursive-alias": ["a: &a [*a]\n", "a: &a {b: {c: *a}}\n"],
    "yaml-duplicate-key": ["a: 1\na: 2\n", "a: {b: 1, b: 2}\n", "a: 1\n'a': 2\n"],
    "yaml-tag": ["a: !x 1\n", "!x {a: 1}\n", "a: !!str 1\n", "a: ! 1\n", "- !x\n", "a: &b !x 1\n"],
    "yaml-merge-key": ["<<: {a: 1}\n", "a: &x {b: 1}\nc: {<<: *x}\n"],
    "yaml-key-not-text": [
        "1: a\n",
        "true: a\n",
        "null: a\n",
        "? [a]\n: b\n",
        "a: {1.5: b}\n",
        "? {a: b}\n: c\n",
    ],
    "yaml-syntax": ["a: [1, 2\n", "a: b: c\n", "a:\n\t- b\n", 'a: "\\x"\n', "a: *x\n", "}"],
    "yaml-number-not-json": ["a: .inf\n", "a: .nan\n", f"a: {2**53 + 1}\n", "a: -" + "1" * 4400],
    "yaml-ambiguous-scalar": ["a: yes\n", "a: [010]\n", "a: 12:30\n", "a: 1_000\n", "on: 1\n"],
    "yaml-ambiguous-break": ["a: 1 # \u2028b: 2\n", "a: b\u2029c\n", "a: |\n  b\u0085c\n"],
    "yaml-not-portable": ["a: &é 1\n", "? : :\n"],
    "document-not-mapping": ["- a\n", "text\n", "5\n", "true\n"],
    "document-empty": ["", "# only a comment\n", "---\n", "a: 1\n---\n", "null\n"],
}
SILENT = [
    'a: "\\u2028"\n',
    "a: 1\n",
    "a: [b, {c: d}]\n---\ne: f\n",
    'a: "yes"\nb: \'010\'\nc: "<<"\n',
    '"<<": 1\n"1": 2\n',
    "a: |\n  !tag &anchor yes\n  <<: no\n",
    "a: hello !world & more\n# !tag\n",
    "a: &x [1]\nb: *x\n",
    "a: 2026-11-20\nb: 2026-11-20T12:30:00Z\nc: 30s\nd: 1.2.3\ne: -1.5\nf: 0\ng: true\nh: ~\n",
    f"a: {2**53}\nb: -{2**53}\n",
    "a: b\r\nc: |\r\n  x\r\n",
    "a: " + "[" * 90 + "]" * 90 + "\n",
    "a: no way\nb: [y, n]\nc: 8080:80\nd: 0x1F\n",
]


@pytest.mark.parametrize(("rule", "text"), [(r, t) for r, ts in FIRES.items() for t in ts])
def test_rule_fires(rule: str, text: str | bytes) -> None:
    assert rule in rules(text)


@pytest.mark.parametrize("text", SILENT)
def test_ordinary_yaml_gives_no_diagnostics(text: str) -> None:
    assert rules(text) == []


def test_values_are_those_of_yaml_1_2() -> None:
    assert values("a: 'no'\nb: 0x1F\nc: 2026-01-02\nd: 1.5\ne:\nf: True\n") == [
        {"a": "no", "b": 31, "c": "2026-01-02", "d": 1.5, "e": None, "f": True}
    ]


def test_a_scalar_that_yaml_rs_takes_for_a_number_is_text() -> None:
    documents, diagnostics = parse("f", b"a: 1_000\nb: 0b11\nc: [+0x1f, 1_0e3]\nd: _1\n")
    assert documents[0].value == {"a": "1_000", "b": "0b11", "c": ["+0x1f", "1_0e3"], "d": "_1"}
    assert {d.severity for d in diagnostics} == {Severity.WARNING}


def test_a_block_scalar_at_the_end_is_read_as_if_the_line_were_ended() -> None:
    assert values("a: |\n  text") == values("a: |\n  text\n") == [{"a": "text\n"}]


def test_a_refused_document_leaves_the_others_of_its_file() -> None:
    documents, diagnostics = parse("f", b"a: 1\n---\nb: !x 1\n---\nc: 1\n---\n1: 2\n")
    assert [(d.index, d.value) for d in documents] == [(0, {"a": 1}), (2, {"c": 1})]
    assert sorted(d.rule for d in diagnostics) == ["yaml-key-not-text", "yaml-tag"]


def test_a_document_with_a_fault_in_its_values_is_kept_and_is_not_sound() -> None:
    text = f"d: 1\nd: 2\n---\na: [{2**60}, -.inf, .nan, 1.5, true, x]\n---\nc: 1\n"
    documents, diagnostics = parse("f", text.encode())
    largest = sys.float_info.max
    assert [(d.value, d.sound) for d in documents] == [
        ({"d": 1}, False),
        ({"a": [2**53, -largest, -largest, 1.5, True, "x"]}, False),
        ({"c": 1}, True),
    ]
    assert [d.rule for d in diagnostics] == ["yaml-duplicate-key", *["yaml-number-not-json"] * 3]


def test_a_key_that_is_not_text_is_found_after_a_bad_number() -> None:
    documents, diagnostics = parse("f", b"a: .nan\nb: {c: {1: 2}}\n")
    assert not documents
    assert [d.rule for d in diagnostics] == ["yaml-key-not-text"]


def test_all_faults_of_a_file_are_reported() -> None:
    text = "a: !x 1\na: 2\nb: .inf\nc: yes\n1: 2\n<<: 3\n"
    assert sorted(set(rules(text))) == [
        "yaml-ambiguous-scalar",
        "yaml-duplicate-key",
        "yaml-key-not-text",
        "yaml-merge-key",
        "yaml-tag",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\nb: [1,\n", "f:2:4"),
        ("é: b: c\n", "f:1:5"),
        ("a: 1\n\nb: 1\na: 2\n", "f:4:1"),
        ("a: 'x\n", "f:1:"),
        ("a: é!\nb: \x07\n", "f:2:4"),
        ("a: 1\nb: !t x\n", "f:2:4"),
        ("# \u2028\na: !t x\n", "f:2:4"),
        ("a: 1\r\nb: 2\rc: 3 # \u2028\n", "f:3:8"),
    ],
)
def test_a_fault_is_placed_by_line_and_column(text: str, place: str) -> None:
    assert str(parse("f", text.encode())[1][0].span).startswith(place)


def test_a_duplicate_key_names_its_first_place() -> None:
    (diagnostic,) = parse("f", b"a:\n  b: 1\n  c: 2\n  b: 3\n")[1]
    assert str(diagnostic.span) == "f:4:3"
    assert str(diagnostic.related[0].where) == "f:2:3"


_TOKEN = st.text("0123456789+-._eExXoObB:infaNFyslo~=<", min_size=1, max_size=6)


@settings(max_examples=400, deadline=None)
@given(_TOKEN)
@example("1_0")
@example("0b1")
@example(".iNf")
@example("1e400")
@example("+.5")
def test_a_plain_scalar_has_its_core_schema_value_and_a_warning_if_1_1_differs(token: str) -> None:
    try:
        nodes = yaml.compose(f"k: {token}\n").value
    except (yaml.YAMLError, AttributeError):
        assume(False)
    assume(len(nodes) == 1 and nodes[0][1].value == token)
    documents, diagnostics = parse("f", f"k: {token}\n".encode())
    expected = core_value(token)
    if isinstance(expected, float) and not math.isfinite(expected):
        assert "yaml-number-not-json" in [d.rule for d in diagnostics]
    else:
        assert repr(documents[0].value) == repr({"k": expected})
    warned = "yaml-ambiguous-scalar" in [d.rule for d in diagnostics]
    assert warned == (legacy_reading(token) is not None)


@settings(max_examples=300, deadline=None)
@given(_TOKEN)
def test_a_scalar_is_ambiguous_exactly_where_pyyaml_reads_another_value(token: str) -> None:
    node = yaml.SafeLoader("").resolve(yaml.ScalarNode, token, (True, False))
    try:
        legacy = yaml.SafeLoader("").construct_object(yaml.ScalarNode(node, token))
    except (yaml.YAMLError, ValueError):
        legacy = object()
    differs = repr(legacy) != repr(core_value(token)) and not node.endswith(":timestamp")
    assert (legacy_reading(token) is not None) == differs


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    parse("f", data)


YAMLISH = st.lists(
    st.sampled_from(
        [
            "a",
            "b",
            ": ",
            ":",
            "- ",
            "-",
            "? ",
            "\n",
            "\n  ",
            "\n    ",
            "[",
            "]",
            "{",
            "}",
            ", ",
            "'",
            '"',
            "|",
            ">",
            "|2-",
            "&x ",
            "*x",
            "!t ",
            "<<",
            "yes",
            "010",
            "1_0",
            ".inf",
            "#",
            " # c",
            "---\n",
            "...\n",
            "%YAML 1.1\n",
            "\t",
            "\r",
            "é",
            "\u2028",
            "\\",
            "~",
            "0",
            " ",
            "text",
        ]
    ),
    max_size=24,
).map("".join)


@settings(max_examples=500, deadline=None)
@given(YAMLISH)
def test_yaml_like_text_never_raises_and_what_is_read_is_plain_json(text: str) -> None:
    documents, diagnostics = parse("f", text.encode())
    for document in documents:
        assert type(document.value) is dict
        canonical_json(document.value)
    assert documents or diagnostics
    assert len({d.index for d in documents}) == len(documents)


@settings(max_examples=200, deadline=None)
@given(YAMLISH)
def test_a_tag_never_passes(text: str) -> None:
    documents, _ = parse("f", text.encode())
    try:
        events = list(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        return
    starts = [i for i, e in enumerate(events) if isinstance(e, yaml.DocumentStartEvent)]
    for number, start in enumerate(starts):
        tagged = False
        for event in events[start + 1 :]:
            if isinstance(event, yaml.DocumentEndEvent):
                break
            tagged = tagged or getattr(event, "tag", None) is not None
        if tagged and "\u2028" not in text and "\r" not in text:
            assert number not in {d.index for d in documents}
