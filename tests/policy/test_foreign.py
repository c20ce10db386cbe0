"""Foreign documents: which files are claimed, how they are read, and what is wrong with them."""

import json
from pathlib import Path
from typing import Any

import pytest

from chimera.documents import Globs, open_work_tree, span_of
from chimera.model import Severity
from chimera.policy.foreign import claims_of, judged_documents

from .claiming import Claimed, foreign_documents
from .conftest import Bench, document, findings, rule

DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\n"


@pytest.fixture
def claimed(bench: Bench) -> Claimed:
    return Claimed(bench)


def test_files_that_a_schema_claims_are_read_by_their_suffix(claimed: Claimed) -> None:
    claimed.schema("k8s/**", "docs/*.md", "*.json")
    claimed.file("k8s/a.yaml", f"{DEPLOYMENT}---\n- 1\n- two\n")
    claimed.file("docs/x.md", "---\ntitle: X\n---\n# not: [yaml\n")
    claimed.file("package.json", '{\n\t"name": "p", "emoji": "\\ud83d\\ude00"\n}')
    claimed.file("elsewhere/b.yaml", "left: alone\n")
    assert claimed.values() == [
        ("docs/x.md", 0, {"title": "X"}),
        ("k8s/a.yaml", 0, {"apiVersion": "apps/v1", "kind": "Deployment"}),
        ("k8s/a.yaml", 1, [1, "two"]),
        ("package.json", 0, {"name": "p", "emoji": "😀"}),
    ]
    assert not claimed.faults()


def test_nothing_is_foreign_without_a_schema(claimed: Claimed) -> None:
    claimed.file("k8s/a.yaml", DEPLOYMENT)
    assert claimed.values() == []


def test_documents_of_ours_are_not_foreign(claimed: Claimed) -> None:
    claimed.schema("**/*.yaml", "**/*.json")
    claimed.file("specs/data.json", "[1]")
    claimed.file("a.yaml", "a: 1\n")
    assert claimed.values() == [("a.yaml", 0, {"a": 1}), ("specs/data.json", 0, [1])]


def test_claims_are_worked_out_once_for_a_snapshot(claimed: Claimed) -> None:
    claimed.schema("*.yaml")
    claimed.file("a.yaml", "a: 1\n")
    snapshot = claimed.snapshot
    assert claims_of(snapshot) is claims_of(snapshot)
    claimed.file("b.yaml", "a: 2\n")
    assert list(claims_of(claimed.snapshot).schemas) == ["a.yaml", "b.yaml"]


def test_each_document_names_the_schemas_that_claim_its_file(claimed: Claimed) -> None:
    claimed.schema("*.yaml", name="one")
    claimed.schema("a.*", name="two")
    claimed.file("a.yaml", "a: 1\n")
    (found,) = foreign_documents(claimed.snapshot)
    assert list(map(str, found.schemas)) == ["Schema/one", "Schema/two"]


@pytest.mark.parametrize(
    ("path", "text", "route", "span"),
    [
        ("a.yaml", "a: 1\n---\nb:\n  - c: 2\n", (1, "b", 0, "c"), (4, 8)),
        ("a.md", "---\ntitle: X\ntags:\n- one\n- two\n---\n\ttab: [\n", (0, "tags", 1), (5, 3)),
        ("a.md", "---\r\ntitle: X\r\nb: 1\r\n---\r\n", (0, "b"), (3, 4)),
        ("a.json", '{\n\t"a": "\\ud83d\\ude00",\n\t"b": [1, true]}', (0, "b", 1), (3, 11)),
    ],
)
def test_places_stand_where_the_file_has_them(
    claimed: Claimed, path: str, text: str, route: tuple[Any, ...], span: tuple[int, int]
) -> None:
    claimed.schema("a.*")
    claimed.file(path, text)
    found = foreign_documents(claimed.snapshot)[route[0]]
    place = span_of(open_work_tree(claimed.bench.root), found.place.at(*route[1:]))
    assert (place.path, place.line, place.column) == (path, *span)


@pytest.mark.parametrize(
    ("path", "text", "rule", "span"),
    [
        ("a.yaml", "a: [1\n", "yaml-syntax", (1, 4)),
        ("a.yaml", "a: 1\na: 2\n", "yaml-duplicate-key", (2, 1)),
        ("a.yaml", "b:\n  <<: 1\n", "yaml-merge-key", (2, 7)),
        ("a.yaml", "b:\n  <<: [{a: 1}, [{b: 1}]]\n", "yaml-merge-key", (2, 16)),
        ("a.yaml", 'b:\n  <<: {a: 1}\nc: {"<<": 1}\n', "yaml-merge-key", (3, 5)),
        ("a.yaml", "- &m <<\n- {*m : {a: 1}}\n", "yaml-merge-key", (2, 4)),
        ("a.yaml", "b: &b\n  <<: *b\n", "yaml-recursive-alias", (2, 7)),
        ("a.yaml", "b: !Ref x\n", "yaml-tag", (1, 4)),
        ("a.yaml", "b: !!binary aGk=\n", "yaml-tag", (1, 4)),
        ("a.yaml", b"a: \xff\n", "yaml-not-utf8", (1, 4)),
        ("a.yaml", "a: .inf\n", "yaml-number-not-json", (1, 4)),
        ("a.yaml", "- .inf\n", "yaml-number-not-json", (1, 3)),
        ("a.yaml", ".inf\n", "yaml-number-not-json", (1, 1)),
        ("a.yaml", "[" * 100_000, "yaml-too-deep", (1, 256)),
        ("a.json", "[" * 100_000, "yaml-too-deep", (1, 101)),
        ("a.json", "[" * 150 + "]" * 150, "yaml-too-deep", (1, 101)),
        ("a.json", '{"a": 1,}', "json-syntax", (1, 9)),
        ("a.json", '{"a": 1, "a": 2}', "yaml-duplicate-key", (1, 10)),
        ("a.json", "[1, NaN]", "json-syntax", (1, 1)),
        ("a.json", "1" * 5000, "json-syntax", (1, 1)),
        ("a.json", "[1e999]", "yaml-number-not-json", (1, 2)),
        ("a.json", "{" + '"a": 1, ' * 400_000 + '"b": 1}', "yaml-too-large", (1, 1)),
        ("a.md", "# title\n", "front-matter-missing", (1, 1)),
        ("a.md", "---\ntitle: X\n", "front-matter-unclosed", (1, 1)),
        ("a.md", "---\ntitle: X\nb: [\n---\n", "yaml-syntax", (3, 4)),
        ("a.md", "---\na: 1\na: 2\n---\n", "yaml-duplicate-key", (3, 1)),
        ("a.md", b"\xef\xbb\xbf---\na: 1\n---\n", "yaml-byte-order-mark", (1, 1)),
    ],
)
def test_a_file_that_cannot_be_read_has_its_fault_where_it_stands(
    claimed: Claimed, path: str, text: str | bytes, rule: str, span: tuple[int, int]
) -> None:
    claimed.schema("a.*")
    claimed.file(path, text)
    assert claimed.values() == []
    found = [(f.rule, f.span.line, f.span.column) for f in claimed.faults()]
    assert (rule, *span) in found


@pytest.mark.parametrize(
    ("read_by", "severity"),
    [
        ({}, [Severity.WARNING]),
        ({"readBy": "yaml-1.1"}, [Severity.ERROR]),
        ({"readBy": "yaml-1.2"}, []),
    ],
)
def test_what_versions_of_yaml_read_apart_is_never_a_silent_choice(
    claimed: Claimed, read_by: dict[str, str], severity: list[Severity]
) -> None:
    claimed.schema("a.yaml", **read_by)
    claimed.file("a.yaml", "defaultMode: 0755\n")
    assert [(f.rule, f.severity) for f in claimed.faults()] == [
        ("yaml-ambiguous-scalar", one) for one in severity
    ]
    assert claimed.values() == [("a.yaml", 0, {"defaultMode": 755})]


@pytest.mark.parametrize(("version", "refused"), [("yaml-1.1", True), ("yaml-1.2", False)])
def test_a_comment_that_hides_a_field_from_one_version_is_refused(
    claimed: Claimed, version: str, refused: bool
) -> None:
    claimed.schema("a.yaml", readBy=version)
    claimed.file("a.yaml", "spec:\n  a: b # harmless\u2028  privileged: true\n")
    wanted = [("yaml-ambiguous-break", Severity.ERROR)] if refused else []
    assert [(f.rule, f.severity) for f in claimed.faults()] == wanted


@pytest.mark.parametrize(
    ("read_by", "severity"),
    [
        ({}, [Severity.WARNING]),
        ({"readBy": "yaml-1.1"}, []),
        ({"readBy": "yaml-1.2"}, [Severity.ERROR]),
    ],
)
def test_merge_keys_merge_where_the_files_tools_merge_them(
    claimed: Claimed, read_by: dict[str, str], severity: list[Severity]
) -> None:
    claimed.schema("a.yaml", **read_by)
    claimed.file("a.yaml", "x-base: &base {image: a, tty: true}\nweb:\n  <<: *base\n  tty: false\n")
    assert [(f.rule, f.severity) for f in claimed.faults()] == [
        ("yaml-merge-key", one) for one in severity
    ]
    base = {"image": "a", "tty": True}
    merged = [("a.yaml", 0, {"x-base": base, "web": {"image": "a", "tty": False}})]
    assert claimed.values() == ([] if Severity.ERROR in severity else merged)


def test_a_tag_is_let_in_by_the_schemas_that_name_it_and_by_no_others(claimed: Claimed) -> None:
    claimed.schema("a.yaml", name="one", tags=["!Ref", "!Sub"])
    claimed.file("a.yaml", "a: !Ref 012\nb: !Sub [x, {y: no}]\n")
    assert [(f.rule, f.span.line) for f in claimed.faults()] == [("yaml-ambiguous-scalar", 2)]
    assert claimed.values() == [("a.yaml", 0, {"a": "012", "b": ["x", {"y": "no"}]})]
    claimed.schema("*.yaml", name="two", tags=["!Ref"])
    (fault,) = (f for f in claimed.faults() if f.severity is Severity.ERROR)
    assert (fault.rule, fault.span.line, fault.span.column) == ("yaml-tag", 2, 4)
    assert "spec.tags of Schema/one and Schema/two" in fault.help


def test_tags_of_yaml_itself_cannot_be_let_in(claimed: Claimed) -> None:
    claimed.schema("a.yaml", tags=["!!binary"])
    assert [d.rule for d in claimed.bench.load().diagnostics] == ["field-invalid"]


def test_a_key_has_no_tag(claimed: Claimed) -> None:
    claimed.schema("a.yaml", tags=["!Ref"])
    claimed.file("a.yaml", "!Ref a: 1\n")
    assert [f.rule for f in claimed.faults()] == ["yaml-tag"]


def test_the_stricter_of_two_schemas_says_which_yaml_is_read(claimed: Claimed) -> None:
    claimed.schema("a.yaml", name="new", readBy="yaml-1.2")
    claimed.schema("a.yaml", name="old", readBy="yaml-1.1")
    claimed.file("a.yaml", "a: no\n")
    assert [f.severity for f in claimed.faults()] == [Severity.ERROR]


def test_a_symlink_is_not_followed_and_not_passed_over(claimed: Claimed, tmp_path: Path) -> None:
    claimed.schema("*.yaml")
    claimed.file("a.yaml", "a: 1\n")
    (tmp_path / "b.yaml").symlink_to("a.yaml")
    assert claimed.values() == [("a.yaml", 0, {"a": 1})]
    assert [(f.rule, f.span.path) for f in claimed.faults()] == [("foreign-not-followed", "b.yaml")]


def test_in_a_folder_without_roots_documents_of_ours_are_not_foreign_either(
    claimed: Claimed,
) -> None:
    claimed.file("deploy/own.json", "[1]")
    claimed.file("deploy/own.yaml", json.dumps(document("Schema", "s", {"paths": ["deploy/*"]})))
    claimed.file("deploy/theirs.yaml", "a: 1\n")
    assert claimed.values() == [("deploy/own.json", 0, [1]), ("deploy/theirs.yaml", 0, {"a": 1})]


def test_policies_judge_no_file_for_a_dormant_schema(claimed: Claimed) -> None:
    claimed.schema("*.yaml", name="dormant")
    claimed.schema("b.yaml", name="acting")
    claimed.file("a.yaml", "a: 1\n")
    claimed.file("b.yaml", "a: 1\n")
    claimed.bench.layers["Schema/dormant"] = ("ops/later",)
    claimed.bench.dormant.add("ops/later")
    assert [d.path for d in judged_documents(claimed.bench.subject(), [Globs(["*"])])] == ["b.yaml"]
    claimed.bench.policy(rule("object.a > 1"), match={"paths": ["*.yaml"]})
    assert findings(claimed.bench.judge()) == {("Policy/p#small", "b.yaml"): "fail"}
