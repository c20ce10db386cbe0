"""What a check says of runbooks: each rule where it is broken, and where it is kept to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from chimera.builtin.services.kinds import KINDS
from chimera.builtin.services.runbooks.checking import judge_runbook
from chimera.builtin.services.spec.runbook import RunbookSpec
from chimera.kinds import Document, Metadata
from chimera.model import Address, Place

LOOK = {"command": ["kubectl", "get", "pods"]}
KEEP = {"command": ["kubectl", "logs", "deploy/a"], "save": "a.log", "preserves": ["logs"]}
STATE = {"command": ["kubectl", "get", "pods"], "save": "a.yaml", "preserves": ["state"]}
DUMP = {"command": ["pg_restore", "--list", "a.dump"], "preserves": ["backup"]}
RESTART = {"command": ["kubectl", "rollout", "restart", "deployment/a"]}
RESTORE = {"command": ["pg_restore", "-d", "a", "a.dump"]}


def rules(*steps: Mapping[str, Any], **more: Any) -> set[str]:
    """Return the rules that a runbook of one procedure breaks."""
    named = [{"id": f"s{n}", "title": "a step", **one} for n, one in enumerate(steps, 1)]
    value = {
        "summary": "what to do",
        "procedures": [{"id": "p", "title": "a procedure", "steps": named, **more}],
    }
    return broken(value)


def broken(value: Mapping[str, Any]) -> set[str]:
    spec = RunbookSpec.model_validate(value)
    kind = next(one for one in KINDS if one.name == "Runbook")
    address, metadata = Address("Runbook", "book"), Metadata(name="book")
    document = Document(address, kind, metadata, spec, {"spec": value}, Place("book.yaml"))
    verdict = judge_runbook(document)
    assert all(fault.help and fault.address == "Runbook/book" for fault in verdict.diagnostics)
    return {fault.rule for fault in verdict.diagnostics}


def argv(text: str) -> dict[str, Any]:
    return {"command": text.split(" ")}


def pipe(*texts: str) -> dict[str, Any]:
    return {"pipe": [text.split(" ") for text in texts]}


@pytest.mark.parametrize(
    "steps",
    [
        [LOOK],
        [KEEP, RESTART, LOOK],
        [DUMP, RESTORE, LOOK],
        [STATE, KEEP, argv("kubectl delete pod a"), LOOK],
        [{"instruction": "call somebody"}],
        [{"check": {"http": {"url": "http://a/health"}}}],
        [{"shell": "date > /tmp/x", "risk": "changes"}, LOOK],
        [argv("my-tool --fast") | {"risk": "reads"}],
        [pipe("kubectl logs -l a=b --tail=-1", "grep x")],
        [argv("curl -fsS http://a/")],
    ],
)
def test_sound_steps_break_no_rule(steps: list[Any]) -> None:
    assert rules(*steps) == set()


@pytest.mark.parametrize(
    ("rule", "steps"),
    [
        ("runbook-step-unclear", [{}]),
        ("runbook-step-unclear", [LOOK | {"instruction": "and this"}]),
        ("runbook-check-unclear", [{"check": {}}]),
        (
            "runbook-check-unclear",
            [{"check": {"service": "Service/a", "objective": "Objective/b"}}],
        ),
        ("runbook-file-unused", [{"instruction": "look", "save": "a.txt"}]),
        ("runbook-file-unused", [{"shell": "cat", "stdin": "a.txt", "risk": "reads"}]),
        ("runbook-risk-missing", [argv("my-tool --fast")]),
        ("runbook-risk-missing", [{"shell": "date"}]),
        ("runbook-risk-understated", [KEEP, RESTART | {"risk": "reads"}, LOOK]),
        ("runbook-risk-understated", [KEEP, LOOK | {"risk": "reads", "loses": ["logs"]}, LOOK]),
        ("runbook-evidence-destroyed", [RESTART, LOOK]),
        ("runbook-evidence-destroyed", [RESTART, KEEP, LOOK]),
        ("runbook-evidence-destroyed", [KEEP, argv("kubectl delete pod a"), LOOK]),
        ("runbook-evidence-destroyed", [argv("kubectl scale deployment/a --replicas=0"), LOOK]),
        ("runbook-evidence-destroyed", [argv("kubectl set env deployment/a A=b"), LOOK]),
        ("runbook-backup-missing", [RESTORE, LOOK]),
        ("runbook-backup-missing", [KEEP, STATE, RESTORE, LOOK]),
        ("runbook-backup-missing", [argv("kubectl exec -i p -- psql -d a") | {"stdin": "a"}, LOOK]),
        ("runbook-backup-missing", [argv("redis-cli FLUSHALL"), LOOK]),
        ("runbook-backup-missing", [{"command": ["psql", "-c", "DELETE FROM a"]}, LOOK]),
        ("runbook-verification-missing", [KEEP, RESTART]),
        ("runbook-verification-missing", [LOOK, argv("kubectl apply -f a.yaml")]),
        ("runbook-verification-missing", [argv("kubectl apply -f a"), {"instruction": "hope"}]),
        ("runbook-changes-everything", [KEEP, STATE, argv("kubectl delete pods --all"), LOOK]),
        ("runbook-command-impossible", [argv("kubectl rollout update deployment/a"), LOOK]),
        ("runbook-command-impossible", [argv("kubectl logs --all-namespaces")]),
        ("runbook-command-impossible", [argv("kubectl logs a --since=7d")]),
        ("runbook-command-impossible", [argv("kubectl exec p -- cat") | {"stdin": "a.sql"}]),
        ("runbook-command-impossible", [argv("trivy image --all")]),
        ("runbook-command-impossible", [argv("curl -f http://a/?query=rate(x[30d])")]),
        (
            "runbook-command-impossible",
            [KEEP, argv("kubectl set resources a --limits=gpu=2"), LOOK],
        ),
        ("runbook-command-endless", [argv("kubectl logs a -f")]),
        ("runbook-command-endless", [argv("tail -f a.log")]),
        ("runbook-logs-cut", [pipe("kubectl logs -l a=b", "grep x")]),
        ("runbook-failure-unseen", [argv("curl -s http://a/")]),
        ("runbook-shell-word", [argv("kubectl logs a | grep b")]),
        ("runbook-shell-word", [argv("echo $(date)") | {"risk": "reads"}]),
        ("runbook-name-repeated", [LOOK | {"id": "a"}, LOOK | {"id": "a"}]),
        ("runbook-input-unknown", [argv("kubectl get ${what}")]),
    ],
)
def test_each_rule_is_told_where_it_is_broken(rule: str, steps: list[Any]) -> None:
    assert rule in rules(*steps)


def test_inputs_are_used_named_otherwise_than_what_is_there_and_kept_out_of_scripts() -> None:
    given = {"what": {"asks": "what to look at"}}
    assert rules(argv("kubectl get ${what}"), inputs=given) == set()
    assert rules(argv("kubectl get ${run} ${environment}")) == set()
    assert rules(LOOK, inputs=given) == {"runbook-input-unused"}
    reserved = {"run": {"asks": "no"}}
    assert rules(argv("kubectl get ${run}"), inputs=reserved) == {"runbook-input-reserved"}
    script = {"shell": "kubectl get ${what}", "risk": "reads"}
    found = rules(script, argv("kubectl get ${what}"), inputs=given)
    assert found == {"runbook-input-in-shell"}
    started = {"command": ["sh", "-c", "cat ${what}"], "risk": "changes"}
    assert rules(started, LOOK, inputs=given) == {"runbook-input-in-shell"}
    apart = {"command": ["sh", "-c", 'cat "$1"', "sh", "${what}"], "risk": "changes"}
    assert rules(apart, LOOK, inputs=given) == set()


def test_two_procedures_of_one_name_are_told() -> None:
    one = {"id": "p", "title": "t", "steps": [{"id": "a", "title": "t", **LOOK}]}
    assert broken({"summary": "s", "procedures": [one, one]}) == {"runbook-name-repeated"}


@pytest.mark.parametrize("trigger", ["schedule", "event", "apply"])
def test_only_a_person_can_start_a_runbook(trigger: str) -> None:
    one = {"id": "p", "title": "t", "steps": [{"id": "a", "title": "t", **LOOK}]}
    with pytest.raises(ValueError, match="trigger"):
        RunbookSpec.model_validate({"summary": "s", "trigger": trigger, "procedures": [one]})
