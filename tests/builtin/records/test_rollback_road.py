"""A rollback goes the ordinary road: documents, deletions, creations, code, and what runs."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from chimera.context.environment import _AUTOMATION
from chimera.model import Actor
from tests.builtin.records.console import Console, console, document
from tests.workspace.conftest import repository

__all__ = ["repository"]

KEPT = ("timeline=here", "metrics=here", "logs=here", "state=here", "impact=here")
WORKFLOW = {
    "trigger": "apply",
    "paths": ["app/**"],
    "stages": [
        {
            "id": "say",
            "operation": "command",
            "inputs": {"argv": ["sh", "-c", "cat app/version >> $TOLD"], "env": {"TOLD": "%s"}},
            "timeout": "1m",
        }
    ],
}


@pytest.fixture
def team(repository: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Console:
    """A folder whose `local` is unprotected; a gate governs `src` and a role is there."""
    made = console(repository, capsys, monkeypatch)
    made.write(".gitignore", ".chimera/\n")
    made.write("specs/environments.yaml", document("Environment", "local", protected=False))
    made.write(
        "specs/gates/source.yaml",
        document("Gate", "source", match={"paths": ["src/**"]}, requires={"records": ["Decision"]}),
    )
    made.write("src/fee", "10\n")
    made.write("specs/roles/owner.yaml", document("Role", "owner", members=[]))
    decided(made)
    return made


def decided(team: Console) -> None:
    """Write the decision that the gate asks for, about what `src` is now."""
    plan = team.workspace().make_plan("local").plan
    item = next(item for item in plan.items if str(item.change.target) == "paths:src/**")
    name = str(item.change.after)[7:19]
    answer = {"target": "paths:src/**", "after": item.change.after}
    about = {"date": "2026-11-21", "decision": "d", "reason": "r", "by": ["ann"]}
    team.write(f"changelog/{name}.yaml", document("Decision", name, **about, answers=[answer]))


def applied(team: Console) -> str:
    commit = team.commit()
    team.passes(minutes=1)
    team.tell("apply")
    return commit


def held(team: Console) -> dict[str, str]:
    with team.workspace().read_state() as state:
        return {target: entry.digest for target, entry in state.applied("local").items()}


def proposed(team: Console, to: str, *only: str, name: str = "back", kept: bool = True) -> None:
    flags = [flag for target in only for flag in ("--only", target)]
    evidence = [flag for one in KEPT if kept for flag in ("--preserved", one)]
    about = ["--write", "--name", name, "--reason", "errors"]
    team.tell("rollback", "plan", "--to", to, *flags, *about, *evidence)


def test_code_documents_creations_and_deletions_go_back_together(team: Console) -> None:
    first = applied(team)
    before = held(team)
    team.write("src/fee", "50\n")
    decided(team)
    team.write("specs/roles/new.yaml", document("Role", "new", members=[]))
    (team.root / "specs/roles/owner.yaml").unlink()
    team.write("specs/environments.yaml", document("Environment", "local", protected=False) + "#\n")
    applied(team)
    assert held(team).keys() - before.keys() == {"Role/new"}
    proposed(team, first)
    team.tell("rollback", "run", "back")
    assert held(team) == before
    assert "nothing to do" in team.tell("rollback", "run", "--to", first)


def test_a_plan_says_what_is_left_to_do(team: Console) -> None:
    first = applied(team)
    nothing = team.tell("rollback", "plan", "--to", first)
    assert f"local is as {first[:12]} says: there is nothing to take back" in nothing
    assert "--write" not in nothing
    team.write("src/fee", "50\n")
    decided(team)
    applied(team)
    proposed(team, first, kept=False)
    evidence = " ".join(f"{kept.partition('=')[0]}=WHERE" for kept in KEPT)
    assert f"chimera rollback preserve back {evidence}" in team.said


def test_only_what_is_named_goes_back(team: Console) -> None:
    first = applied(team)
    before = held(team)
    team.write("src/fee", "50\n")
    decided(team)
    team.write(
        "specs/roles/owner.yaml", document("Role", "owner", members=[], capabilities=["prove"])
    )
    applied(team)
    now = held(team)
    proposed(team, first, "Role/owner")
    team.tell("rollback", "run", "back")
    assert held(team) == {**now, "Role/owner": before["Role/owner"]}
    proposed(team, first, "paths:src/**", name="code")
    team.tell("rollback", "run", "code")
    assert held(team) == before


def test_what_was_not_applied_yet_stays_out_of_it(team: Console) -> None:
    first = applied(team)
    team.write("src/fee", "50\n")
    decided(team)
    applied(team)
    team.write("specs/roles/later.yaml", document("Role", "later", members=[]))
    team.commit()
    proposed(team, first)
    team.tell("rollback", "run", "back")
    assert "Role/later" not in held(team)


def test_a_deletion_that_something_leans_on_is_no_safe_rollback(team: Console) -> None:
    first = applied(team)
    team.write("specs/roles/new.yaml", document("Role", "new", members=[]))
    team.write(
        "specs/gates/new.yaml",
        document(
            "Gate", "new", match={"paths": ["x/**"]}, requires={"approvals": [{"role": "Role/new"}]}
        ),
    )
    applied(team)
    team.tell("rollback", "plan", "--to", first, "--only", "Role/new", code=1)
    assert "Role/new" in team.said
    assert "reference" in team.said or "refer" in team.said
    proposed(team, first)
    team.tell("rollback", "run", "back")
    assert "Gate/new" not in held(team)


def test_what_was_rolled_back_is_refused_until_it_is_freed(team: Console) -> None:
    first = applied(team)
    team.write("src/fee", "50\n")
    decided(team)
    applied(team)
    proposed(team, first)
    team.tell("rollback", "run", "back")
    assert "rollback-redeployed" in team.tell("apply", code=1)
    assert "Rollback/back lets" in team.tell(
        "rollback", "redeploy", "back", "--why", "it is mended"
    )
    team.passes(minutes=1)
    team.tell("apply")


def test_a_rollback_of_a_rollback(team: Console) -> None:
    first = applied(team)
    team.write("src/fee", "50\n")
    decided(team)
    second = applied(team)
    now = held(team)
    proposed(team, first)
    team.tell("rollback", "run", "back")
    assert held(team) != now
    team.passes(minutes=20)
    team.tell("health")
    team.tell("rollback", "done", "back", *STEPS)
    team.tell("rollback", "watch", "back", "--note", "I saw the fee")
    proposed(team, second, name="forth")
    team.tell("rollback", "run", "forth")
    assert held(team) == now


STEPS = ("preserve-evidence", "find-change", "capture-status", "note-values", "execute", "verify")


def test_what_runs_when_it_is_applied_runs_with_the_files_that_it_had(team: Console) -> None:
    told = team.root.parent / "told"
    spec = json.loads(json.dumps(WORKFLOW).replace("%s", str(told)))
    team.write("app/version", "one\n")
    team.write("specs/release.yaml", document("Workflow", "release", **spec))
    first = applied(team)
    team.write("app/version", "two\n")
    applied(team)
    proposed(team, first)
    team.tell("rollback", "run", "back")
    assert told.read_text() == "one\ntwo\none\n"
    assert (team.root / "app/version").read_text() == "two\n"


def test_a_rollback_that_was_killed_goes_on(team: Console) -> None:
    told, kill = team.root.parent / "told", team.root.parent / "kill"
    dies = f"if [ -e {kill} ]; then kill -9 $(cat {kill}); exit 1; fi; cat app/version >> {told}"
    stage = {"operation": "command", "timeout": "1m"}
    stages = [
        {"id": "begin", **stage, "inputs": {"argv": ["sh", "-c", f"echo begin >> {told}"]}},
        {"id": "end", **stage, "dependencies": ["begin"], "inputs": {"argv": ["sh", "-c", dies]}},
    ]
    spec = {"trigger": "apply", "paths": ["app/**"], "stages": stages}
    team.write("app/version", "one\n")
    team.write("specs/release.yaml", document("Workflow", "release", **spec))
    first = applied(team)
    before = held(team)
    team.write("app/version", "two\n")
    team.write("specs/roles/new.yaml", document("Role", "new", members=[]))
    applied(team)
    proposed(team, first)
    told.unlink()
    command = f"echo $$ > {kill}; exec {sys.executable} -m chimera rollback run back"
    environment = {k: v for k, v in team.repository.environment().items() if k not in _AUTOMATION}
    ended = subprocess.run(["sh", "-c", command], cwd=team.root, env=environment)
    assert ended.returncode == -9
    assert held(team) != before
    kill.unlink()
    team.now = datetime.now(UTC)
    team.tell("rollback", "run", "back")
    assert held(team) == before
    assert told.read_text() == "begin\none\n"


SEVERITIES = {
    "levels": [
        {"id": "bad", "rank": 0, "name": "n", "meaning": "m", "response": "r", "freezeOwed": True}
    ]
}


def test_an_open_incident_stops_what_runs_and_what_would_go_on(team: Console) -> None:
    stages = [{"id": "hold", "wait": {"signal": "go"}}]
    team.write("specs/act.yaml", document("Workflow", "act", trigger="human", stages=stages))
    team.write("specs/sev.yaml", document("SeverityModel", "sev", **SEVERITIES))
    applied(team)
    team.tell("run", "Workflow/act", "--no-wait")
    uid = team.json("runs", "list")["runs"][0]["run"]
    about = ("fire", "--level", "bad", "--env", "local", "--name", "fire", "--commander", "ann")
    team.tell("incident", "open", *about)
    for shown in (team.tell("plan"), team.tell("status")):
        assert "open incident: Incident/fire stops everything in Environment/local: bad: " in shown
        assert "frozen: Freeze/fire stops everything in Environment/local" in shown
    assert {halt["kind"] for halt in team.json("plan")["guards"]} == {"freeze", "incident"}
    assert "freeze-stands" in team.tell("run", "Workflow/act", code=1)
    team.tell("runs", "signal", uid, "go")
    said = team.tell("runs", "resume", uid, code=1)
    assert "may not go on: Freeze/fire freezes Workflow/act" in said
    ended = ("--impact", "it is out", "--risk", "no fuel is left", "--monitoring", "no smoke")
    team.tell("incident", "resolve", *ended)
    team.passes(minutes=1)
    assert "Incident/fire" not in team.tell("status")
    team.tell("runs", "resume", uid)


def fire(team: Console) -> None:
    about = ("fire", "--level", "bad", "--env", "local", "--name", "fire", "--commander", "ann")
    team.tell("incident", "open", *about)


def test_a_reverting_commit_goes_through_as_the_incidents_rollback(team: Console) -> None:
    team.write("specs/sev.yaml", document("SeverityModel", "sev", **SEVERITIES))
    first = applied(team)
    before = held(team)
    team.write(
        "specs/roles/owner.yaml", document("Role", "owner", members=[], capabilities=["prove"])
    )
    applied(team)
    fire(team)
    evidence = [flag for one in KEPT for flag in ("--preserved", one)]
    about = ("--write", "--name", "back", "--reason", "errors", "--incident", "fire")
    team.tell("rollback", "plan", "--to", first, *about, *evidence)
    team.write("specs/roles/more.yaml", document("Role", "more", members=[]))
    team.write("specs/roles/owner.yaml", document("Role", "owner", members=[]))
    refused = team.tell("apply", code=1)
    assert "Freeze/fire freezes Role/more" in refused
    assert "Freeze/fire freezes Role/owner" not in refused
    (team.root / "specs/roles/more.yaml").unlink()
    team.tell("apply")
    assert held(team) == before
    said = team.tell("rollback", "watch", "back", code=5)
    assert "being watched" in said
    assert "the tree still has" not in said


def test_an_incident_that_was_only_written_here_binds_as_well(team: Console) -> None:
    team.write("specs/sev.yaml", document("SeverityModel", "sev", **SEVERITIES))
    applied(team)
    fire(team)
    here = team.root / ".chimera/records/Incident"
    here.mkdir(parents=True)
    (team.root / "changelog/incidents/fire.yaml").rename(here / "fire.yaml")
    (team.root / "changelog/freezes/fire.yaml").unlink()
    team.write("specs/roles/more.yaml", document("Role", "more", members=[]))
    said = team.tell("apply", code=1)
    assert "incident-freeze-missing" in said
    assert "who declares it: ann" in said


PROOF = """\
apiVersion: chimera/v1
kind: Proof
metadata: {name: fees}
spec:
  claim: The fee is what the test says.
  covers: {paths: ['src/**']}
  inputs: ['src/**', 'tests/**']
  steps:
    - run: command
      argv: [cmp, src/fee, tests/fee]
      expect: {exitCode: 0}
  controls:
    - {mutate: replace, path: src/fee, old: "0", new: "1"}
"""


def test_the_evidence_of_then_is_evidence_for_what_goes_back(team: Console) -> None:
    team.write("proofs/fees.yaml", PROOF)
    team.write("tests/fee", "10\n")
    decided(team)
    first = applied(team)
    team.tell("prove")
    team.write("src/fee", "50\n")
    team.write("tests/fee", "50\n")
    decided(team)
    applied(team)
    proposed(team, first, "paths:src/**")
    assert "reused  Proof/fees" in team.tell("rollback", "prove", "back")
    said = team.tell("rollback", "run", "back")
    assert "reused  Proof/fees" in said


def test_what_has_no_evidence_is_proven_first_and_refused_where_it_fails(team: Console) -> None:
    team.write("proofs/fees.yaml", PROOF)
    team.write("tests/fee", "11\n")
    decided(team)
    first = applied(team)  # a proof of a merge, which an unprotected environment does not owe
    team.write("src/fee", "50\n")
    team.write("tests/fee", "50\n")
    decided(team)
    applied(team)
    proposed(team, first, "paths:src/**")
    before = held(team)
    team.tell("rollback", "run", "back", code=1)
    assert "Rollback/back owes proof Proof/fees" in team.said
    assert held(team) == before


def test_a_rollback_without_evidence_or_by_automation_is_refused(team: Console) -> None:
    first = applied(team)
    team.write(
        "specs/roles/owner.yaml", document("Role", "owner", members=[], capabilities=["prove"])
    )
    applied(team)
    proposed(team, first, kept=False)
    assert "rollback-evidence-missing" in team.tell("rollback", "run", "back", code=1)
    assert "done preserve" not in team.tell("rollback", "preserve", "back", *KEPT[1:])
    rest = ("--unavailable", "timeline=none was kept")
    assert "done preserve-evidence" in team.tell("rollback", "preserve", "back", *rest)
    team.actor = Actor("ci", "automation")
    assert "rollback-without-human" in team.tell("rollback", "run", "back", code=1)
    team.actor = Actor("ann", "human")
    team.tell("rollback", "run", "back")


def test_what_was_never_applied_is_no_rollback(team: Console) -> None:
    applied(team)
    team.write(
        "specs/roles/owner.yaml", document("Role", "owner", members=[], capabilities=["prove"])
    )
    never = team.commit()
    team.write("specs/roles/owner.yaml", document("Role", "owner", members=[]))
    team.commit()
    proposed(team, never)
    assert "rollback-target-unknown" in team.tell("rollback", "run", "back", code=1)


def test_a_rollback_goes_back(team: Console) -> None:
    first = applied(team)
    team.repository.git("checkout", "-q", "-b", "side")
    team.write("src/fee", "7\n")
    side = team.commit()
    team.repository.git("checkout", "-q", "main")
    assert "is not behind" in team.tell("rollback", "plan", "--to", side, code=4)
    assert "nothing goes back" in team.tell(
        "rollback", "plan", "--to", first, "--write", "--reason", "r", code=4
    )
    assert "a rollback says why" in team.tell("rollback", "plan", "--to", first, "--write", code=4)
    assert "no record says" in team.tell("rollback", "run", "--to", first, code=4)
    assert "add --write" in team.tell("rollback", "plan", "--to", first, "--reason", "r", code=4)


def test_a_record_that_says_other_content_than_its_commit_is_refused(team: Console) -> None:
    first = applied(team)
    team.write(
        "specs/roles/owner.yaml", document("Role", "owner", members=[], capabilities=["prove"])
    )
    applied(team)
    proposed(team, first)
    file = team.root / "changelog/rollbacks/back.yaml"
    digest = held(team)["Role/owner"]
    text = file.read_text()
    restored = text[text.index("answers:") :].split("sha256:")[1][:64]
    file.write_text(text.replace(f"sha256:{restored}", digest))
    assert "restores another content" in team.tell("rollback", "run", "back", code=4)
