"""An informational layer informs people: what would start, schedule or decide by it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from chimera import Workspace

CONTRACT = """\
apiVersion: chimera/v1
kind: LayerContract
metadata: {name: ops}
spec:
  purpose: Who may act where.
  layers:
    - id: "1"
      name: Incidents
      status: active
      purpose: People see what is wrong.
      mode: %s
      admits: {kinds: [Incident, SeverityModel], paths: [specs/badges/**]}
"""
MODEL = """\
apiVersion: chimera/v1
kind: SeverityModel
metadata: {name: sev}
spec:
  levels: [{id: SEV-1, rank: 1, name: bad, meaning: it is bad, response: mend it}]
"""
INCIDENT = """\
apiVersion: chimera/v1
kind: Incident
metadata: {name: fire}
spec:
  title: It burns
  environment: local
  model: SeverityModel/sev
  assessments: [{level: SEV-1, at: '2026-11-20T00:00:00Z', by: ann, reason: it burns}]
  opened: {at: '2026-11-20T00:00:00Z', by: ann}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for path, text in (
        ("specs/ops.yaml", CONTRACT % "informational"),
        ("specs/sev.yaml", MODEL),
        ("changelog/fire.yaml", INCIDENT),
    ):
        write(tmp_path, path, text)
    return tmp_path


def write(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


def refused(root: Path) -> list[str]:
    """Return the offending lines, each of which cites the contract's."""
    found = [
        fault
        for fault in Workspace.open(root).check().diagnostics
        if fault.rule == "layer-informational"
    ]
    lines = []
    for fault in found:
        (cited,) = fault.related
        assert cited.where.path == "specs/ops.yaml"
        assert cited.message == "ops/1 says mode: informational"
        text = (root / fault.where.path).read_text().splitlines()
        lines.append(text[fault.where.line - 1].strip())
    return lines


def document(kind: str, spec: str) -> str:
    return f"apiVersion: chimera/v1\nkind: {kind}\nmetadata: {{name: one}}\nspec:\n{spec}\n"


WORKFLOW = """\
  trigger: human
  stages:
    - id: tell
      operation: echo
      inputs: {text: %s}
"""
CONDITION = """\
  trigger: human
  stages:
    - id: tell
      operation: echo
      inputs: {text: hello}
      when: "%s"
"""
POLICY = """\
  match: {%s}
  rules:
    - id: rule
      expression: "%s"
      message: no
      action: %s
  cases: []
"""
GATE = """\
  match: {paths: ['src/**']}
  requires: {records: [%s]}
"""


@pytest.mark.parametrize(
    ("kind", "spec", "line"),
    [
        ("Workflow", WORKFLOW % "Incident/fire", "inputs: {text: Incident/fire}"),
        ("Workflow", WORKFLOW % "SeverityModel/sev", "inputs: {text: SeverityModel/sev}"),
        ("Gate", GATE % "Incident", "requires: {records: [Incident]}"),
        ("Policy", POLICY % ("kinds: [Incident]", "true", "deny"), "match: {kinds: [Incident]}"),
        ("Policy", POLICY % ("layers: [ops/1]", "true", "deny"), "match: {layers: [ops/1]}"),
        (
            "Policy",
            POLICY % ("kinds: [Gate]", "snapshot.count('Incident') == 0", "deny"),
            "expression: \"snapshot.count('Incident') == 0\"",
        ),
    ],
)
def test_what_acts_or_decides_by_it_is_refused_with_the_contracts_line(
    repository: Path, kind: str, spec: str, line: str
) -> None:
    write(repository, "specs/one.yaml", document(kind, spec))
    assert refused(repository) == [line]


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Workflow", WORKFLOW % "'a word about Incident/fire'"),
        ("Gate", GATE % "ChangelogEntry"),
        ("Gate", "  match: {kinds: [SeverityModel]}\n  requires: {records: [Decision]}"),
        ("Policy", POLICY % ("kinds: [Incident]", "true", "warn")),
        ("Policy", POLICY % ("kinds: [Gate]", "snapshot.count('Incident') == 0", "audit")),
    ],
)
def test_what_cites_it_or_only_warns_is_not(repository: Path, kind: str, spec: str) -> None:
    write(repository, "specs/one.yaml", document(kind, spec))
    assert refused(repository) == []


@pytest.mark.parametrize("trigger", ["apply", "event", "schedule"])
def test_its_own_documents_start_nothing_by_themselves(repository: Path, trigger: str) -> None:
    spec = (WORKFLOW % "hello").replace("human", trigger)
    write(repository, "specs/badges/one.yaml", document("Workflow", spec))
    assert f"trigger: {trigger}" in refused(repository)


STARTED = """\
  trigger: %s
  paths: ['%s']
  stages: [{id: tell, operation: echo, inputs: {text: hello}}]
"""


@pytest.mark.parametrize(
    "pattern",
    ["changelog/incidents/**", "changelog/incidents/2026-*.yaml", "changelog/**", "changelog/**/*"],
)
def test_what_is_written_there_starts_nothing(repository: Path, pattern: str) -> None:
    write(repository, "specs/one.yaml", document("Workflow", STARTED % ("apply", pattern)))
    assert refused(repository) == [f"paths: ['{pattern}']"]


@pytest.mark.parametrize(
    ("trigger", "pattern"),
    [("human", "changelog/incidents/**"), ("apply", "changelog/*.yaml"), ("apply", "**")],
)
def test_what_a_person_starts_or_what_reads_something_else_may(
    repository: Path, trigger: str, pattern: str
) -> None:
    write(repository, "specs/one.yaml", document("Workflow", STARTED % (trigger, pattern)))
    assert refused(repository) == []


def test_its_own_documents_are_started_by_people(repository: Path) -> None:
    write(repository, "specs/badges/one.yaml", document("Workflow", WORKFLOW % "hello"))
    assert refused(repository) == []


def test_an_enforcing_layer_may_be_acted_by(repository: Path) -> None:
    write(repository, "specs/ops.yaml", CONTRACT % "enforcing")
    write(repository, "specs/one.yaml", document("Workflow", WORKFLOW % "Incident/fire"))
    assert refused(repository) == []
