"""Formats and where they go: every one that a command has, together, to files or to one output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from chimera.cli.session import FORMATS, REPORT_FORMATS

REPORTING = [
    ("check",),
    ("plan",),
    ("policy", "test"),
    ("prove",),
    ("apply",),
    ("policy", "eval", "specs", "--resource", "specs"),
]


@pytest.mark.parametrize("command", REPORTING)
def test_one_run_writes_every_format(
    chimera: Any, broken: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    files = {name: tmp_path / f"out.{name}" for name in REPORT_FORMATS}
    outputs = [part for name, file in files.items() for part in ("-o", f"{name}={file}")]
    answer = chimera(*command, *outputs)
    assert answer.code in {0, 1, 5}, answer.err
    assert answer.out == ""
    assert json.loads(files["json"].read_text())["outcome"]
    assert json.loads(files["sarif"].read_text())["version"] == "2.1.0"
    assert ElementTree.parse(files["junit"]).getroot().tag == "testsuites"
    assert all(line.startswith("::") for line in files["github"].read_text().splitlines())
    assert files["markdown"].read_text().startswith("### ")
    assert chimera(*command).code == answer.code
    called = " ".join(part for part in command[:2] if part != "specs")
    assert f"chimera {called}: " in files["markdown"].read_text()


@pytest.mark.parametrize("format", REPORT_FORMATS)
def test_a_format_by_itself_is_the_result(chimera: Any, broken: Path, format: str) -> None:
    answer = chimera("check", "-o", format)
    assert answer.code == 1
    assert "protectd" in answer.out
    assert answer.err == ""


@pytest.mark.parametrize("command", REPORTING)
def test_help_names_the_formats_that_a_command_has(chimera: Any, command: tuple[str, ...]) -> None:
    said = " ".join(chimera(*command[:2], "--help").out.split())
    assert ", ".join(REPORT_FORMATS) in said
    said = " ".join(chimera("get", "--help").out.split())
    assert f"({', '.join(FORMATS)})" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("check", "-o", "html"), "unknown output format 'html'"),
        (("get", "-o", "sarif"), "this command has no output format 'sarif'"),
        (("check", "-o", "sarif="), "'sarif=' names no file"),
        (("check", "-o", "sarif", "-o", "text"), "two formats cannot both go to standard output"),
        (("check", "-o", "sarif=none/out"), "cannot write none/out"),
    ],
)
def test_an_output_that_cannot_be_is_a_mistake_in_the_call(
    chimera: Any, broken: Path, arguments: tuple[str, ...], says: str
) -> None:
    answer = chimera(*arguments)
    assert answer.code == 4
    assert says in answer.err
    assert "help: " in answer.err


def test_a_format_that_cannot_be_is_refused_before_any_work(
    chimera: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chimera.cli.session.Session.workspace", lambda *_: pytest.fail("opened"))
    assert chimera("apply", "-o", "html").code == 4


@pytest.mark.parametrize("format", REPORT_FORMATS)
def test_no_format_shows_a_secret(
    chimera: Any, broken: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    secret = 'hunter2&"hunter2'
    broken.write_text(broken.read_text().replace("protectd", f"'{secret}'"))
    shown = chimera("check", "-o", format).out
    marks = ("hunter2&", "hunter2&amp;", "hunter2&#38;")
    assert any(mark in shown for mark in marks)
    monkeypatch.setenv("DEPLOY_TOKEN", secret)
    shown = chimera("check", "-o", format).out
    assert "hunter2" not in shown
    assert "***" in shown or "&#42;&#42;&#42;" in shown


@pytest.mark.parametrize("format", REPORT_FORMATS)
def test_a_document_gives_a_runner_no_command(
    chimera: Any, broken: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    key = r'"x\n::set-output name=a::b\n##[add-mask]c"'
    broken.write_text(broken.read_text().replace("protectd", key))
    lines = [line.strip() for line in chimera("check", "-o", format).out.splitlines()]
    assert any("add-mask" in line for line in lines)
    obeyed = [line for line in lines if line.startswith("::")]
    assert {line.split()[0] for line in obeyed} == (
        {"::error", "::notice"} if format == "github" else set()
    )
    assert not any("##[" in line for line in lines if line not in obeyed)


MANIFESTS = {
    "specs/manifests.yaml": """\
apiVersion: chimera/v1
kind: Schema
metadata: {name: manifests}
spec:
  paths: [k8s/*.yaml]
  schema: {properties: {replicas: {type: integer}}}
""",
    "policies/names.yaml": """\
apiVersion: chimera/v1
kind: Policy
metadata: {name: names}
spec:
  match: {paths: ["k8s/**"]}
  rules:
    - {id: named, expression: has(object.name), message: it has a name, action: deny}
  cases:
    - {name: named, object: {name: a}, expect: []}
    - {name: nameless, object: {}, expect: [named]}
""",
    "specs/waiver.yaml": """\
apiVersion: chimera/v1
kind: Waiver
metadata: {name: nameless}
spec:
  {policy: Policy/names, rule: named, path: k8s/a b.yaml, reason: why, approver: ben,
   expires: "2999-01-01"}
""",
    "k8s/a b.yaml": "replicas: 1\n",
    "k8s/c.yaml": "name: c\nreplicas: many\n",
}


def test_files_of_other_systems_are_reported_like_documents(chimera: Any, tmp_path: Path) -> None:
    for path, text in MANIFESTS.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    (run,) = json.loads(chimera("check", "-o", "sarif").out)["runs"]
    found = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]: result
        for result in run["results"]
    }
    assert set(found) == {"k8s/c.yaml", "k8s/a%20b.yaml"}
    assert found["k8s/c.yaml"]["locations"][0]["physicalLocation"]["region"]["startLine"] == 2
    assert found["k8s/a%20b.yaml"]["suppressions"]
    cases = ElementTree.fromstring(chimera("check", "-o", "junit").out).iter("testcase")
    assert {case.get("name") for case in cases} >= {"k8s/a b.yaml", "k8s/c.yaml"}
