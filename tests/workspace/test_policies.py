"""Policies on the whole road: one waiver everywhere, as of any moment, and what met nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera import Workspace
from chimera.context import Context
from chimera.model import Outcome

from .conftest import Repository

POLICY = """
    apiVersion: chimera/v1
    kind: Policy
    metadata: {name: named}
    spec:
      match: {kinds: [Environment]}
      rules:
        - id: protected
          expression: "object.metadata.name == 'local' || object.spec.protected"
          message: an environment is protected
      cases:
        - {name: a, object: {spec: {protected: true}}, expect: []}
        - {name: b, object: {spec: {protected: false}}, expect: [protected]}
    """
OPEN = """
    apiVersion: chimera/v1
    kind: Environment
    metadata: {name: demo}
    spec: {protected: false}
    """
WAIVER = """
    apiVersion: chimera/v1
    kind: Waiver
    metadata: {name: demo-is-open}
    spec:
      policy: Policy/named
      rule: protected
      address: Environment/demo
      reason: the demo is on Friday
      approver: ann
      expires: "EXPIRES"
    """


@pytest.fixture
def waived(repository: Repository) -> Repository:
    repository.write("policies/named.yaml", POLICY)
    repository.write("specs/demo.yaml", OPEN)
    repository.write("specs/waiver.yaml", WAIVER.replace("EXPIRES", "2099-12-31"))
    return repository


def test_check_plan_and_apply_honour_the_same_waiver(waived: Repository) -> None:
    checked = waived.chimera("check")
    assert checked.code == 0, checked.out
    assert "waived  Environment/demo: Policy/named#protected" in checked.out
    assert waived.chimera("plan").code == 0
    applied = waived.chimera("apply")
    assert applied.code == 0, applied.out + applied.err


def test_check_plan_and_apply_refuse_what_an_expired_waiver_was_for(waived: Repository) -> None:
    waived.write("specs/waiver.yaml", WAIVER.replace("EXPIRES", "2020-12-31"))
    for command in ("check", "plan", "apply"):
        ended = waived.chimera(command)
        assert ended.code == 1, ended.out
        assert "policy-denied" in ended.out
        assert "waiver-expired" in ended.out


def test_a_waiver_that_expires_can_be_tried(waived: Repository) -> None:
    for moment, code in (("2099-12-31", 0), ("2100-01-01", 1), ("2100-01-01T00:30+01:00", 0)):
        for command in ("check", "plan"):
            ended = waived.chimera(command, "--now", moment)
            assert ended.code == code, (command, moment, ended.out)
            assert "judged as of " in ended.out
    told = waived.chimera("check", "--now", "2099-12-31", "-o", "json").json
    assert told["now"] == "2099-12-31T00:00:00+00:00"
    assert told["waived"] == [
        {
            "rule": "Policy/named#protected",
            "subject": "Environment/demo",
            "waiver": "Waiver/demo-is-open",
            "reasons": ["waived by Waiver/demo-is-open until 2099-12-31: the demo is on Friday"],
        }
    ]
    assert "now" not in waived.chimera("check", "-o", "json").json


@pytest.mark.parametrize("command", [["check"], ["plan"], ["policy", "test"]])
def test_a_time_that_is_none_is_a_mistake_of_usage(waived: Repository, command: list[str]) -> None:
    ended = waived.chimera(*command, "--now", "friday")
    assert ended.code == 4
    assert "2027-01-31T12:00:00Z" in ended.err


def test_cases_that_say_no_time_are_tried_as_of_the_moment(repository: Repository) -> None:
    timely = POLICY.replace(
        "\"object.metadata.name == 'local' || object.spec.protected\"",
        "\"object.spec.protected || now < timestamp('2030-01-01T00:00:00Z')\"",
    )
    repository.write("policies/named.yaml", timely)
    assert repository.chimera("policy", "test").code == 1
    ended = repository.chimera("policy", "test", "--now", "2031-01-01", "-o", "json")
    assert ended.code == 0
    assert ended.json["coverage"] == [
        {"rule": "Policy/named#protected", "action": "deny", "holds": 1, "fails": 1,
         "inapplicable": 0}
    ]  # fmt: skip


def test_a_check_names_the_rules_that_nothing_exercised(repository: Repository) -> None:
    repository.write("policies/named.yaml", POLICY.replace("[Environment]", "[Waiver]"))
    ended = repository.chimera("check")
    line = "Policy/named#protected: it matched nothing: there is no Waiver"
    assert f"not-exercised  {line}" in ended.out
    (rule,) = repository.chimera("check", "-o", "json").json["unexercisedRules"]
    assert rule["rule"] == "Policy/named#protected"


FOREIGN = {
    "specs/schema.yaml": """
        apiVersion: chimera/v1
        kind: Schema
        metadata: {name: manifests}
        spec: {paths: [deploy/**], schema: {type: object}}
        """,
    "policies/replicas.yaml": """
        apiVersion: chimera/v1
        kind: Policy
        metadata: {name: replicas}
        spec:
          match: {paths: [deploy/**]}
          rules:
            - {id: two, expression: object.spec.replicas > 1, message: a deployment has replicas}
          cases:
            - {name: a, object: {spec: {replicas: 2}}, expect: []}
            - {name: b, object: {spec: {replicas: 1}}, file: deploy/x.yaml, expect: [two]}
        """,
    "deploy/all.yaml": """
        spec: {replicas: 2}
        ---
        spec: {replicas: 1}
        """,
}


def test_a_foreign_document_is_judged_and_waived_by_its_path(repository: Repository) -> None:
    for path, text in FOREIGN.items():
        repository.write(path, text)
    assert repository.chimera("policy", "test").code == 0
    (denial,) = [
        d
        for d in repository.chimera("check", "-o", "json").json["diagnostics"]
        if d["rule"] == "policy-denied"
    ]
    assert (denial["address"], denial["path"]) == ("deploy/all.yaml#1", "deploy/all.yaml")
    assert (denial["line"], denial["column"]) == (4, 18)
    waiver = WAIVER.replace("EXPIRES", "2099-12-31").replace("Policy/named", "Policy/replicas")
    waiver = waiver.replace("protected", "two")
    waiver = waiver.replace("address: Environment/demo", 'path: "deploy/all.yaml#1"')
    repository.write("specs/waiver.yaml", waiver)
    ended = repository.chimera("check")
    assert ended.code == 0, ended.out
    assert "waived  deploy/all.yaml#1: Policy/replicas#two" in ended.out


RULES = st.lists(
    st.sampled_from(["object.spec.protected", "has(object.spec.protected)", "object.absent == 1",
                     "before.spec.protected", "snapshot.count('Environment') < 2", "true"]),
    min_size=1, max_size=3,
)  # fmt: skip
ACTIONS = st.sampled_from(["deny", "warn", "audit"])


@settings(max_examples=8, deadline=None)
@given(rules=RULES, more=RULES, action=ACTIONS)
def test_a_rule_more_never_turns_a_red_check_green(
    tmp_path_factory: pytest.TempPathFactory, rules: list[str], more: list[str], action: str
) -> None:
    root = tmp_path_factory.mktemp("law")
    repository = Repository(root)
    repository.write("specs/demo.yaml", OPEN)
    outcomes = []
    for number, expressions in enumerate((rules, more)):
        written = "".join(
            f'\n        - {{id: r{n}, expression: "{e}", message: m, action: {action}}}'
            for n, e in enumerate(expressions)
        )
        names = ", ".join(f"r{n}" for n in range(len(expressions)))
        before, _, rest = POLICY.partition("        - id: protected")
        cases = rest[rest.index("      cases:") :].replace("[protected]", f"[{names}]")
        text = before.replace("named", f"p{number}").rstrip() + written + f"\n{cases}"
        repository.write(f"policies/p{number}.yaml", text)
        outcomes.append(_outcome(root))
    assert outcomes[0] is not Outcome.FAILED or outcomes[1] is Outcome.FAILED


def _outcome(root: Path) -> Outcome:
    return Workspace.open(root, Context.system()).check().outcome
