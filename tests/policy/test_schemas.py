"""Schemas over files of other systems: what is wrong where, what is exercised, what is refused."""

from typing import Any

import pytest

from chimera.context import Processes
from chimera.model import Finding, Severity
from chimera.policy.schemas.touching import touch_schemas

from .claiming import Claimed
from .conftest import Bench, findings

DEPLOYMENT = {
    "type": "object",
    "required": ["kind", "spec"],
    "properties": {
        "kind": {"const": "Deployment"},
        "spec": {
            "type": "object",
            "required": ["replicas"],
            "additionalProperties": False,
            "properties": {
                "replicas": {"type": "integer", "minimum": 1},
                "strategy": {"enum": ["Recreate", "RollingUpdate"]},
                "image": {"type": "string", "pattern": "^[a-z/]+:[0-9.]+$"},
            },
        },
    },
}


@pytest.fixture
def claimed(bench: Bench) -> Claimed:
    return Claimed(bench)


def test_a_file_that_keeps_to_its_schema_passes_by_name(claimed: Claimed) -> None:
    claimed.schema("k8s/*.yaml", schema=DEPLOYMENT)
    claimed.file("k8s/a.yaml", "kind: Deployment\nspec: {replicas: 2}\n")
    assert findings(claimed.judge()) == {("Schema/s", "k8s/a.yaml"): "pass"}


def test_every_fault_is_told_at_once_and_where_it_stands(claimed: Claimed) -> None:
    claimed.schema("k8s/*.yaml", schema=DEPLOYMENT)
    claimed.file(
        "k8s/a.yaml",
        "kind: Deployment\n"
        "spec:\n"
        "  replica: 3\n"
        "  strategy: Rollingupdate\n"
        "  image: nginx\n"
        "---\n"
        "kind: Deployment\n"
        "spec: {replicas: '2'}\n"
        "---\n"
        "kind: Deployment\n"
        "spec: {replicas: 0}\n",
    )
    assert claimed.said() == [
        ("schema-field-missing", "k8s/a.yaml:3:3", "the field 'replicas' is missing"),
        ("schema-field-unknown", "k8s/a.yaml:3:3", "unknown field 'replica'"),
        (
            "schema-violated",
            "k8s/a.yaml:4:13",
            "spec.strategy should be one of 'Recreate', 'RollingUpdate', not 'Rollingupdate'",
        ),
        (
            "schema-violated",
            "k8s/a.yaml:5:10",
            "spec.image should match '^[a-z/]+:[0-9.]+$', not 'nginx'",
        ),
        (
            "schema-violated",
            "k8s/a.yaml:8:18",
            "spec.replicas should be an integer, not '2'",
        ),
        ("schema-violated", "k8s/a.yaml:11:18", "spec.replicas should be at least 1, not 0"),
    ]
    assert [d.help for d in claimed.located()] == [
        "add replicas",
        "did you mean replicas?",
        "did you mean RollingUpdate?",
        "correct it, or what Schema/s asks for",
        "write it without quotes",
        "correct it, or what Schema/s asks for",
    ]


def test_a_fault_cites_the_line_of_the_schema_that_asks(claimed: Claimed) -> None:
    claimed.file("schemas/d.yaml", "$ref: base.yaml#/$defs/size\n$defs:\n  a: {}\n")
    claimed.file("schemas/base.yaml", "$defs:\n  size:\n    type: integer\n")
    claimed.schema("*.json", file="schemas/d.yaml", uses=["schemas/*.yaml"])
    claimed.file("x.json", '"big"')
    (fault,) = claimed.located()
    assert (str(fault.span), fault.message) == (
        "x.json:1:1",
        "the document should be an integer, not 'big'",
    )
    assert [(r.message, str(r.where)) for r in fault.related] == [
        ("Schema/s asks for it here", "schemas/base.yaml:3:11")
    ]


WORDS = """
{type: [string, 'null']} | 1 | a should be null or a string, not 1
{type: boolean} | x | a should be true or false, not 'x'
{maxItems: 1} | [1, 2] | a should have at most 1 item, not 2
{minLength: 3} | xy | a should have at least 3 characters, not 2
{minProperties: 1} | {} | a should have at least 1 field, not 0
{exclusiveMaximum: 2} | 2 | a should be less than 2, not 2
{multipleOf: 5} | 7 | a should be a multiple of 5, not 7
{const: [1]} | 2 | a should be [1], not 2
{format: date} | 2026-99-01 | a should be in the format date, not '2026-99-01'
{uniqueItems: true} | [1, 1] | a should not hold the same item twice
{not: {type: integer}} | 1 | a is what 'not' of the schema forbids
{contains: {const: 1}} | [2] | a should hold items that 'contains' describes, as many as asked
{items: false} | [1] | this is not allowed here
{properties: {b: false}} | {b: 1} | the field 'b' is not allowed here
{propertyNames: {maxLength: 1}} | {bc: 1} | the name 'bc' should have at most 1 character, not 2
{dependentRequired: {b: [c]}} | {b: 1} | the field 'c' is missing
{properties: {b: true}, unevaluatedProperties: false} | {d: 1} | unknown field 'd'
{prefixItems: [true], unevaluatedItems: false} | [1, 2] | a should have no further items
{enum: [1,2,3,4,5,6,7,8,9]} | 0 | a should be one of 1, 2, 3, 4, 5, 6, 7, 8, and 1 more, not 0
{oneOf: [{type: integer}, {minimum: 1}]} | 3 | a fits alternatives 1 and 2, and just one may
{anyOf: [{type: integer}, {type: array}]} | x | a should be an integer or a list, not 'x'
"""


@pytest.mark.parametrize("line", WORDS.strip().splitlines())
def test_each_keyword_is_put_into_words(claimed: Claimed, line: str) -> None:
    schema, value, message = line.split(" | ")
    claimed.file("schema.yaml", f"properties: {{a: {schema}}}\n")
    claimed.schema("a.yaml", file="schema.yaml")
    claimed.file("a.yaml", f"a: {value}\n")
    assert [d.message for d in claimed.located()] == [message]


STEPS = {
    "items": {
        "oneOf": [
            {
                "type": "object",
                "properties": {"run": {"const": "command"}, "argv": {"type": "array"}},
                "required": ["run", "argv"],
            },
            {
                "type": "object",
                "properties": {"run": {"const": "http"}, "url": {"type": "string"}},
                "required": ["run", "url"],
            },
            {"type": "string"},
        ]
    }
}


def test_of_alternatives_the_nearest_says_what_is_wrong(claimed: Claimed) -> None:
    claimed.schema("a.yaml", schema=STEPS)
    claimed.file("a.yaml", "- run: http\n- {run: command, argv: ls}\n- {run: http, url: 1}\n- x\n")
    assert claimed.said() == [
        ("schema-field-missing", "a.yaml:1:3", "the field 'url' is missing"),
        ("schema-violated", "a.yaml:2:24", "1.argv should be a list, not 'ls'"),
        ("schema-violated", "a.yaml:3:20", "2.url should be a string, not 1"),
    ]


def test_what_nobody_selects_is_not_exercised_and_a_misspelt_kind_is_told(claimed: Claimed) -> None:
    claimed.schema("k8s/*.yaml", selects={"kind": "Deployment"}, schema=DEPLOYMENT)
    claimed.file(
        "k8s/a.yaml",
        "kind: Deployment\nspec: {replicas: 1}\n---\nkind: Deploymnet\n---\nkind: Secret\n",
    )
    verdicts = claimed.judge()
    assert findings(verdicts) == {
        ("Schema/s", "k8s/a.yaml"): "pass",
        ("Schema", "k8s/a.yaml#1"): "not-exercised",
        ("Schema", "k8s/a.yaml#2"): "not-exercised",
    }
    (told,) = claimed.located(verdicts)
    assert (told.rule, str(told.span), told.help) == (
        "schema-not-selected",
        "k8s/a.yaml:4:7",
        "did you mean Deployment?",
    )
    assert told.severity is Severity.WARNING


def test_a_document_that_another_schema_selects_is_exercised(claimed: Claimed) -> None:
    claimed.schema("*.yaml", name="a", selects={"kind": "A"}, schema={"required": ["a"]})
    claimed.schema("*.yaml", name="b", selects={"kind": "B"}, schema={"required": ["b"]})
    claimed.file("x.yaml", "kind: A\na: 1\n---\nkind: B\n")
    assert findings(claimed.judge()) == {
        ("Schema/a", "x.yaml"): "pass",
        ("Schema/b", "x.yaml"): "fail",
    }


def test_a_schema_that_means_only_first_documents_leaves_the_others(claimed: Claimed) -> None:
    claimed.schema("*.yaml", documents="first", schema={"type": "object"})
    claimed.file("x.yaml", "a: 1\n---\n- 1\n")
    assert findings(claimed.judge()) == {("Schema/s", "x.yaml"): "pass"}


def test_a_schema_that_meets_nothing_says_so(claimed: Claimed) -> None:
    claimed.schema("none/*.yaml", name="paths", schema={"requird": []})
    claimed.schema("*.yaml", name="kinds", selects={"kind": "A"}, schema={})
    claimed.file("x.yaml", "other: 1\n")
    found = {v.judge: v.reasons for v in claimed.judge() if v.finding is Finding.NOT_EXERCISED}
    assert found["Schema/paths"] == ("its paths match no file",)
    assert [d.rule for d in claimed.located()] == ["schema-keyword-unknown"]
    assert found["Schema/kinds"] == ("it selects no document of 1 files",)


def test_a_dormant_schema_does_nothing(claimed: Claimed) -> None:
    claimed.schema("*.yaml", schema={"type": "string"})
    claimed.file("x.yaml", "a: 1\n")
    claimed.bench.layers["Schema/s"] = ("ops/later",)
    claimed.bench.dormant.add("ops/later")
    assert findings(claimed.judge()) == {("Schema/s", "Schema/s"): "not-exercised"}


def test_without_a_schema_of_its_own_a_file_only_has_to_be_readable(claimed: Claimed) -> None:
    claimed.schema("*.yaml")
    claimed.file("x.yaml", "a: 1\n")
    claimed.file("y.yaml", "a: [\n")
    assert findings(claimed.judge()) == {
        ("Schema/s", "x.yaml"): "pass",
        ("Schema/s", "y.yaml"): "fail",
    }


def test_a_file_that_cannot_be_read_fails_beside_its_readable_documents(claimed: Claimed) -> None:
    claimed.schema("*.yaml", schema={"required": ["b"]})
    claimed.file("x.yaml", "a: 1\n---\na: 1\na: 2\n")
    assert [d.rule for d in claimed.located()] == ["schema-field-missing", "yaml-duplicate-key"]
    assert findings(claimed.judge()) == {("Schema/s", "x.yaml"): "fail"}


def test_only_a_symlink_is_no_exercise(claimed: Claimed) -> None:
    claimed.schema("*.yaml", schema={})
    (claimed.bench.root / "x.yaml").symlink_to("nowhere.yaml")
    assert findings(claimed.judge())[("Schema/s", "x.yaml")] == "not-exercised"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {"schema": {"properties": {"a": {"type": "strin"}, "b": {"minLength": -1}}}},
            [
                ("schema-invalid", "type"),
                ("schema-invalid", "minLength"),
            ],
        ),
        ({"schema": {"properties": {"a": {"pattern": "("}}}}, [("schema-invalid", "pattern")]),
        ({"schema": {"patternProperties": {"[": {}}}}, [("schema-invalid", "[")]),
        (
            {"schema": {"pattern": "(?=a)b", "items": {"pattern": "(a)\\1"}}},
            [("schema-pattern-not-linear", "pattern"), ("schema-pattern-not-linear", "pattern")],
        ),
        ({"schema": {"pattern": "(((a{99}){99}){99}){99}"}}, [("schema-invalid", "pattern")]),
        ({"schema": {"$ref": "#/$defs/none"}}, [("schema-reference-dangling", "$ref")]),
        ({"schema": {"$ref": "other.json"}}, [("schema-reference-dangling", "$ref")]),
        ({"schema": {"$ref": "../../etc/passwd"}}, [("schema-reference-dangling", "$ref")]),
        ({"schema": {"$ref": "file:///etc/passwd"}}, [("schema-reference-dangling", "$ref")]),
        (
            {"schema": {"$defs": {"a": {"$id": "https://e.org/a", "$ref": "b"}}}},
            [("schema-reference-dangling", "$ref")],
        ),
        (
            {"schema": {"$schema": "http://json-schema.org/draft-07/shema#"}},
            [("schema-dialect-unknown", "$schema")],
        ),
        ({"schema": {}, "file": "a.json"}, [("schema-defined-twice", "file")]),
        ({"file": "missing.json"}, [("schema-file-missing", "file")]),
    ],
)
def test_a_schema_that_is_wrong_is_told_where_it_is_and_judges_nothing(
    claimed: Claimed, spec: dict[str, Any], said: list[tuple[str, str]]
) -> None:
    claimed.schema("x.yaml", **spec)
    claimed.file("x.yaml", "a: 1\n")
    verdicts = claimed.judge()
    assert findings(verdicts) == {("Schema/s", "Schema/s"): "fail"}
    found = [(d.rule, d.where.route[-1]) for v in verdicts for d in v.diagnostics]  # type: ignore[union-attr]
    assert sorted(found) == sorted(said)
    assert all(d.span.line > 1 for d in claimed.located(verdicts))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{]", ("json-syntax", "d.json:1:2")),
        ("[1]", ("schema-invalid", "d.json:1:1")),
        ('{\n "type": 1}', ("schema-invalid", "d.json:2:10")),
        ('{"a": 1, "a": 2}', ("yaml-duplicate-key", "d.json:1:10")),
    ],
)
def test_a_schema_file_has_its_faults_in_the_file(
    claimed: Claimed, text: str, said: tuple[str, str]
) -> None:
    claimed.file("d.json", text)
    claimed.schema("x.yaml", file="d.json")
    claimed.file("x.yaml", "a: 1\n")
    assert [(d.rule, str(d.span)) for d in claimed.located()] == [said]


def test_a_schema_file_in_yaml_is_warned_of_what_versions_read_apart(claimed: Claimed) -> None:
    claimed.file("d.yaml", "enum: [yes, no]\n")
    claimed.schema("x.yaml", file="d.yaml")
    claimed.file("x.yaml", '"yes"\n')
    said = [(d.rule, str(d.span), d.severity) for d in claimed.located()]
    assert said == [
        ("yaml-ambiguous-scalar", f"d.yaml:1:{column}", Severity.WARNING) for column in (8, 13)
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]},
        {"$schema": "https://json-schema.org/draft/2019-09/schema", "items": [{"type": "string"}]},
        {"prefixItems": [{"type": "string"}]},
    ],
)
def test_a_schema_is_read_in_its_own_dialect(claimed: Claimed, schema: dict[str, Any]) -> None:
    claimed.schema("x.yaml", schema=schema)
    claimed.file("x.yaml", "[1]\n")
    assert claimed.said() == [("schema-violated", "x.yaml:1:2", "0 should be a string, not 1")]


def test_a_reference_may_name_a_file_by_its_id(claimed: Claimed) -> None:
    claimed.file("lib/size.yaml", "$id: https://example.org/size\ntype: integer\n")
    claimed.schema("x.yaml", uses=["lib/**"], schema={"$ref": "https://example.org/size"})
    claimed.file("x.yaml", "big\n")
    (fault,) = claimed.located()
    assert [str(r.where) for r in fault.related] == ["lib/size.yaml:2:7"]


def test_a_schema_that_refers_to_itself_follows_the_document(claimed: Claimed) -> None:
    tree = {"type": "object", "additionalProperties": {"$ref": "#"}}
    claimed.schema("x.yaml", schema=tree)
    claimed.file("x.yaml", "a: {b: {c: 1}}\n")
    assert claimed.said() == [
        ("schema-violated", "x.yaml:1:12", "a.b.c should be a mapping, not 1")
    ]


def test_no_process_is_started_without_a_schema(
    claimed: Claimed, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed.schema("x.yaml")
    claimed.file("x.yaml", "a: 1\n")
    monkeypatch.setattr(Processes, "start", lambda *_: pytest.fail("a process was started"))
    assert findings(claimed.judge()) == {("Schema/s", "x.yaml"): "pass"}


def test_a_misspelt_keyword_is_told_and_those_of_others_are_not(claimed: Claimed) -> None:
    schema = {
        "requird": ["a"],
        "x-order": 1,
        "markdownDescription": "…",
        "properties": {"requird": {"maxlength": 1}, "maxlength": {}},
        "enum": [{"requird": 1}],
    }
    claimed.schema("x.yaml", schema=schema)
    claimed.file("x.yaml", "{requird: 1}\n")
    verdicts = claimed.judge()
    assert findings(verdicts) == {("Schema/s", "Schema/s"): "pass", ("Schema/s", "x.yaml"): "pass"}
    assert [(d.rule, d.help, d.severity) for d in claimed.located(verdicts)] == [
        ("schema-keyword-unknown", "did you mean required?", Severity.WARNING),
        ("schema-keyword-unknown", "did you mean maxLength?", Severity.WARNING),
    ]


def test_a_change_of_files_concerns_the_schema_that_they_keep_to(claimed: Claimed) -> None:
    claimed.schema("deploy/*.yaml", name="one", file="d.json", uses=["lib/*"])
    claimed.schema("other/*.yaml", name="two", schema={})
    subject = claimed.bench.paths_changed(["deploy/*.yaml", "d.json", "lib/*"], ["deploy/a.yaml"])
    (found,) = touch_schemas(subject)
    assert (found.name, found.paths) == ("Schema/one", ("deploy/a.yaml",))
    assert not list(touch_schemas(claimed.bench.subject()))
    claimed.bench.layers["Schema/one"] = ("ops/later",)
    claimed.bench.dormant.add("ops/later")
    subject = claimed.bench.paths_changed(["deploy/*.yaml", "d.json", "lib/*"], ["deploy/a.yaml"])
    assert not list(touch_schemas(subject))
