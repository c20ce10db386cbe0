"""Somebody hears of what no retry helped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chimera.builtin.workflow.escalating import NOTICES
from chimera.builtin.workflow.plugin import chimera_reconcile
from chimera.runtime import RunError

FAILING = """
    trigger: apply
    errorHandling:
      escalationRules: [{condition: given_up, severity: critical, to: ops}]
    stages:
      - {id: deploy, operation: command, inputs: {argv: [sh, -c, "echo broken >&2; exit 1"]}}
"""


def test_a_failure_that_is_escalated_is_a_notice(task, tmp_path: Path) -> None:
    with pytest.raises(RunError):
        chimera_reconcile(task(FAILING))
    (line,) = (tmp_path / NOTICES).read_text().splitlines()
    notice = json.loads(line)
    assert (notice["to"], notice["severity"]) == ("ops", "critical")
    assert notice["message"].startswith("deploy failed: ")
    assert "broken" in notice["message"]
    assert notice["details"]["step"] == "deploy"


def test_what_goes_well_tells_nobody(outputs, tmp_path: Path) -> None:
    outputs(FAILING.replace("exit 1", "exit 0"))
    assert not (tmp_path / NOTICES).exists()


def test_a_rule_names_how_it_is_delivered(
    task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", "s3cret-token")
    told = FAILING.replace(
        "to: ops}",
        "to: ops, notify: {argv: [sh, -c, 'cat >told.json; echo $TOKEN | cut -c1-2 >begins'],"
        ' env: {TOKEN: "${secret.pager}"}, file: .chimera/out/pages.jsonl}}',
    ).replace("    stages:", "    secrets: {pager: {env: PAGER}}\n    stages:", 1)
    with pytest.raises(RunError):
        chimera_reconcile(task(told))
    notice = json.loads((tmp_path / "told.json").read_text())
    assert (notice["to"], notice["details"]["step"]) == ("ops", "deploy")
    assert "delivery" not in notice["details"]
    assert (tmp_path / "begins").read_text() == "s3\n"
    assert (tmp_path / ".chimera/out/pages.jsonl").exists()
    assert not (tmp_path / NOTICES).exists()
    assert b"s3cret-token" not in (tmp_path / ".chimera" / "state.db").read_bytes()


@pytest.mark.parametrize(
    ("notify", "rule"),
    [
        ("{argv: [mail, ops]}", None),
        ('{url: "https://x.example", headers: {Authorization: "${secret.pager}"}}', None),
        ('{url: "${secret.pager}"}', None),
        ("{message: hello}", "workflow-escalation-invalid"),
        ('{argv: ["${deploy.stdout}"]}', "workflow-escalation-invalid"),
        ('{argv: ["${secret.nothing}"]}', "workflow-escalation-invalid"),
        ("{argv: [mail], who: ops}", "field-unknown"),
        ("{file: 7}", "field-invalid"),
    ],
)
@pytest.mark.parametrize("where", ["stage", "workflow"])
def test_how_it_is_delivered_is_judged_before(
    check, notify: str, rule: str | None, where: str
) -> None:
    handling = f"errorHandling: {{escalationRules: [{{notify: {notify}}}]}}"
    above, inside = (f"{handling}\n", "") if where == "workflow" else ("", f", {handling}")
    faults = check(
        f"trigger: human\n{above}secrets: {{pager: {{env: PAGER}}}}\n"
        f"stages: [{{id: deploy, operation: command, inputs: {{argv: [x]}}{inside}}}]\n"
    )
    assert [fault.rule for fault in faults] == ([] if rule is None else [rule])
