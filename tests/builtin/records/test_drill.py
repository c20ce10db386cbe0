"""The drill: an incident at a freezing level, from the change that caused it to its review."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.builtin.records.console import Console, console, document
from tests.workspace.conftest import ENGINE, repository

__all__ = ["repository"]

PROOF = """\
apiVersion: chimera/v1
kind: Proof
metadata: {name: fees}
spec:
  claim: A fee is never negative.
  covers: {paths: ['src/**']}
  inputs: ['src/**']
  steps:
    - run: command
      argv: [sh, -c, 'test "$(cat src/fee)" -ge 0']
      expect: {exitCode: 0}
  controls:
    - {mutate: replace, path: src/fee, old: "0", new: "-1"}
"""
PRODUCTION = ("--env", "production")


@pytest.fixture
def team(repository: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Console:
    """A protected production: Ann writes and commands, Bob approves, CI proves."""
    made = console(repository, capsys, monkeypatch)
    made.write("specs/environments.yaml", document("Environment", "production", production=True))
    for name in ("ann", "bob"):
        made.identity(name)
    made.identity("ci", kind="automation")
    made.role("ann", "bob")
    made.write(
        "specs/roles/prover.yaml",
        document("Role", "prover", members=["Identity/ci"], capabilities=["prove"]),
    )
    made.gate()
    made.write("proofs/fees.yaml", PROOF)
    made.write("src/fee", "10\n")
    made.write(".gitignore", ".chimera/\n")
    made.write("specs/sev.yaml", (ENGINE / "specs/severities/sev.yaml").read_text("utf-8"))
    return made


def entered(team: Console, summary: str) -> None:
    """Complete the entry that the plan drafts with what only a person knows, and commit it."""
    team.commit("ann")
    (draft,) = team.json("plan", *PRODUCTION)["drafts"]
    told = {"verification": "a receipt shows the fee", "risk": "low", "summary": summary}
    told |= {"date": f"{team.now:%Y-%m-%d}", "recorded": team.now.isoformat()}
    known = {name: told.get(name, "chimera rollback suggest") for name in draft["missing"]}
    lines = "".join(f"  {name}: {json.dumps(value)}\n" for name, value in known.items())
    team.write(draft["path"], draft["text"] + lines)
    team.commit("ann")


def released(team: Console, fee: str) -> str:
    """Write, prove, approve and apply a change; return the commit."""
    team.write("src/fee", f"{fee}\n")
    entered(team, f"charge {fee}")
    team.passes(minutes=5)
    team.tell("prove", *PRODUCTION, "--sign", "--key", team.key("ci"))
    team.tell("approve", *PRODUCTION, "--key", team.key("bob"), "--yes")
    team.passes(minutes=1)
    team.tell("apply", *PRODUCTION, "--auto-approve")
    return str(team.repository.git("rev-parse", "HEAD"))


def holds(team: Console) -> str:
    with team.workspace().read_state() as state:
        return state.applied("production")["paths:src/**"].digest


def test_the_drill(team: Console) -> None:
    good = released(team, "10")
    before = holds(team)
    team.passes(hours=20)
    released(team, "50")
    assert holds(team) != before

    # An incident is opened at a level that freezes: its commander's freeze stands beside it.
    team.passes(minutes=30)
    opening = ("incident", "open", "wrong fees", "--level", "SEV-3", *PRODUCTION)
    team.tell(*opening, "--path", "src/**", "--commander", "ann", "--name", "fees")
    team.commit("ann")

    # Another apply is refused, with who can lift it and how.
    team.passes(minutes=1)
    team.write("src/fee", "40\n")
    team.commit("ann")
    refused = team.tell("apply", *PRODUCTION, "--auto-approve", code=1)
    assert "freeze-stands" in refused
    assert "who can: ann" in refused
    assert "`chimera rollback suggest fees`" in refused
    team.write("src/fee", "50\n")
    team.commit("ann")

    # The change is suggested, and only suggested.
    said = team.json("rollback", "suggest")
    assert said["onlySuggests"] is True
    first = said["suggestions"][0]
    assert (first["target"], first["to"], first["recent"]) == ("paths:src/**", good, True)
    assert "errors point to what it changes: src/fee" in first["reasons"]
    assert not any(other["recent"] for other in said["suggestions"][1:])

    # It is proposed as a record, which the incident names, and it takes its evidence.
    plan = ("rollback", "plan", "--to", good, "--only", "paths:src/**", *PRODUCTION)
    team.tell(*plan, "--write", "--reason", "fees", "--incident", "fees", "--name", "back")
    team.tell("rollback", "run", "back", code=4)
    team.commit("ann")
    refused = team.tell("rollback", "run", "back", "--auto-approve", code=1)
    assert "rollback-evidence-missing" in refused
    assert "rollback-without-human" in refused
    assert "sign it with `chimera rollback approve back`" in refused
    assert "chimera approve" not in refused, "that would sign the plan of the present commit"
    kept = ("timeline=the incident", "metrics=a dashboard", "logs=s3://logs", "state=status.json")
    team.tell("rollback", "preserve", "back", *kept, "--unavailable", "impact=nobody answered")
    assert "done preserve-evidence" in team.said
    prepared = ("find-change", "capture-status", "note-values")
    team.tell("rollback", "done", "back", *prepared)
    team.commit("ann")

    # Its target is proven by the evidence of then; a person signs; it is run.
    assert "reused" in team.tell("rollback", "prove", "back")
    team.tell("rollback", "approve", "back", "--key", team.key("bob"), "--yes")
    team.passes(minutes=1)
    team.tell("rollback", "run", "back", "--auto-approve")
    assert holds(team) == before

    # It counts once it was watched, and what it took back is not applied again.
    said = team.tell("rollback", "watch", "back", code=5)
    assert "being watched" in said
    assert "the tree still has paths:src/**: revert it in Git" in said
    refused = team.tell("apply", *PRODUCTION, "--auto-approve", code=1)
    assert "rollback-redeployed" in refused
    assert "`chimera rollback redeploy back --why TEXT`" in refused
    team.passes(minutes=5)
    team.tell("health", *PRODUCTION)
    team.passes(minutes=11)
    assert "steps that nobody did yet: verify" in team.tell("rollback", "watch", "back", code=5)
    team.tell("rollback", "done", "back", "verify")
    assert "stable" in team.tell("rollback", "watch", "back")

    # The rollback gets its entry, as every change of production.
    team.tell(
        *("changelog", "add", "--applied", *PRODUCTION, "--rollback-of", "back", "--name", "back"),
        *("--summary", "take the fee back", "--risk", "low", "--incident", "fees"),
        *("--scope", "code", "--verification", "a receipt", "--rollback", "release 50 again"),
    )

    # The incident is resolved, which lifts the freeze; the review becomes owed.
    team.tell(
        *("incident", "resolve", "--impact", "nobody complains", "--risk", "the former fee"),
        *("--monitoring", "15 minutes without an error"),
    )
    team.commit("ann")
    team.passes(minutes=1)
    refused = team.tell("apply", *PRODUCTION, "--auto-approve", code=1)
    assert "freeze-stands" not in refused
    assert "rollback-redeployed" in refused
    team.tell("check")
    team.passes(hours=49)
    assert "incident-review-missing" in team.tell("check", code=1)

    # The compliance report shows the whole chain, and that the review is missing.
    period = ("--from", "2026-11-21", "--to", "2026-11-25")
    report = team.json("report", "compliance", *PRODUCTION, *period, code=1)
    (section,) = (one for one in report["sections"] if one["id"] == "compliance")
    (table,) = (one for one in section["tables"] if one["id"] == "chain")
    rows = [row for row in table["rows"] if row["target"] == "paths:src/**"]
    assert [row["incidents"] for row in rows] == [None, "fees", "fees"]
    assert [row["rollback"] for row in rows] == [None, "taken back by back", "is back, it counts"]
    for row in rows:
        assert row["entry"]
        assert row["approvals"].startswith("Approval/")
        assert "Proof/fees" in row["proofs"]
        assert row["evidence"].startswith("sha256:")
        assert row["missing"] is None
    assert rows[0]["evidence"] in rows[2]["evidence"]  # what was shown then was shown for this
    (missing,) = section["missing"]
    assert (missing["rule"], missing["subject"]) == ("incident-review-missing", "Incident/fees")
