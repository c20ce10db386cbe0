"""Ways in which people would get a change approved that nobody approved; each is refused by name.

What is not defended against is tested too, so that it is known: `test_..._is_trusted`.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from chimera.context import Context
from chimera.model import GateError, Outcome, UsageError
from tests.workspace.signing import ENVIRONMENTS, SOURCE, Team, document, edit_record, signer


@pytest.fixture
def team(repository: Any) -> Team:
    """Ann, Bob and Cid own `src`, and a robot does; the first state is applied to production."""
    made = Team(repository)
    made.write("specs/environments.yaml", ENVIRONMENTS)
    for name in ("ann", "bob", "cid"):
        made.identity(name)
    made.identity("robot", kind="automation")
    made.role("ann", "bob", "cid", "robot")
    made.gate()
    made.write(".gitignore", ".chimera/\n")
    made.edit("pay = 1\n")
    made.commit("ann")
    made.approve("bob")
    made.applies()
    return made


def propose(team: Team) -> None:
    """Ann changes the source on a branch."""
    team.branch()
    team.edit()
    team.commit("ann")


@pytest.mark.parametrize("squash", [False, True])
def test_an_approval_of_a_pull_request_survives_its_merge_and_is_spent(
    team: Team, squash: bool
) -> None:
    propose(team)
    team.approve("bob", base="main")
    team.merge(squash=squash)
    team.applies()
    assert team.apply().value.ruling is None, "nothing is left to do"


def test_it_counts_although_main_moved_on_elsewhere(team: Team) -> None:
    propose(team)
    team.approve("bob", base="main")
    team.repository.git("checkout", "-q", "main")
    team.write("README.md", "more\n")
    team.commit("cid")
    team.merge()
    team.applies()


def test_without_an_approval_nothing_is_applied(team: Team) -> None:
    propose(team)
    team.merge()
    said = team.is_refused()
    assert "1 approval by Role/owner owed, and 0 counted" in said
    assert "chimera approve --env production" in said


def test_an_approval_is_not_replayed_on_a_changed_item(team: Team) -> None:
    propose(team)
    team.approve("bob", base="main")
    team.edit("pay = 3\n")
    team.commit("ann")
    team.merge()
    assert "it is for other content" in team.is_refused()


def test_approvals_of_other_content_are_counted_and_not_each_told(team: Team) -> None:
    propose(team)
    for pay in (3, 4):
        team.approve("bob", base="main")
        team.edit(f"pay = {pay}\n")
        team.commit("ann")
    team.merge()
    said = team.is_refused()
    assert said.count("it is for other content") == 1
    assert "earlier ones of other content, too" in said


def test_an_approval_is_not_spent_a_second_time(team: Team) -> None:
    propose(team)
    team.approve("bob", base="main")
    team.merge()
    team.applies()
    team.edit("pay = 1\n")
    team.commit("ann")
    team.approve("bob")
    team.applies()
    team.edit()
    team.commit("ann")
    assert "it was spent" in team.is_refused()


def test_a_spent_approval_by_another_name_is_the_same(team: Team) -> None:
    propose(team)
    signed = team.approve("bob", base="main")
    team.merge()
    team.applies()
    team.edit("pay = 1\n")
    team.commit("ann")
    team.approve("bob")
    team.applies()
    value = yaml.safe_load((team.root / signed.path).read_text("utf-8"))
    value["metadata"] = {"name": "fresh", "labels": {"new": "yes"}}
    (team.root / signed.path).unlink()
    team.write("changelog/fresh.yaml", yaml.safe_dump(value))
    team.edit()
    team.commit("ann")
    assert "Approval/fresh of Identity/bob does not count: it was spent" in team.is_refused()


def test_an_approval_for_another_environment_does_not_count(team: Team) -> None:
    team.approve("bob", environment="staging")
    team.applies("staging")
    propose(team)
    team.merge()
    team.approve("bob", environment="staging")
    assert "it is for the environment staging" in team.is_refused()
    team.applies("staging")


def test_a_bots_approval_does_not_count(team: Team) -> None:
    propose(team)
    with pytest.raises(GateError, match="Identity/robot is automation"):
        team.approve("robot", base="main")
    team.force("robot", base="main")
    team.merge()
    said = team.is_refused()
    assert "Identity/robot is automation, and only a person approves" in said


def test_the_author_does_not_approve_their_own_change(team: Team) -> None:
    propose(team)
    team.approve("ann", base="main")
    team.merge()
    assert "Identity/ann wrote the change" in team.is_refused()
    team.approve("cid")
    team.applies()


def test_an_author_hears_before_signing_that_it_will_not_count(team: Team) -> None:
    from tests.workspace.signing import key_file

    propose(team)
    said = "Gate/source asks of paths:src/** is not met by your approval: Identity/ann wrote"
    for name, decision, is_told in (
        ("ann", ("approve",), True),
        ("ann", ("reject", "--reason", "no"), False),
        ("bob", ("approve",), False),
    ):
        key = str(key_file(name, team.root.parent))
        to = ("--env", "production", "--base", "main", "--key", key, "--yes")
        signed = team.repository.chimera(*decision, *to)
        assert signed.code == 0, signed.err
        assert (said in signed.err) is is_told, signed.err


def test_a_locked_key_is_found_out_before_anything_is_shown(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen: install openssh-client")
    for name in ("SSH_AUTH_SOCK", "SSH_ASKPASS"):
        monkeypatch.delenv(name, raising=False)
    key = team.root.parent / "locked"
    call = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", str(key)]
    subprocess.run(call, check=True)
    propose(team)
    asked = ("approve", "--env", "production", "--base", "main", "--key", str(key))
    refused = team.repository.chimera(*asked)
    assert refused.code != 0
    assert "is locked, and no agent has it" in refused.err
    assert "ssh-add" in refused.err
    assert SOURCE not in refused.err


def test_where_it_is_allowed_the_author_does(team: Team) -> None:
    team.gate(excludeAuthor=False)
    team.commit("cid")
    team.applies()
    propose(team)
    team.approve("ann", base="main")
    team.merge()
    # The gate as it was is not asked: it is applied as it is now.
    team.applies()


def test_an_author_whom_nobody_knows_fails_closed(team: Team) -> None:
    team.branch()
    team.edit()
    team.commit("stranger")
    team.approve("bob", base="main")
    team.merge()
    said = team.is_refused()
    assert "whether Identity/bob wrote the change cannot be told" in said
    assert "stranger <stranger@example.org>" in said


def test_a_signed_commit_is_whose_key_it_is(team: Team, tmp_path: Path) -> None:
    """Ann writes Bob's name on her commit, and her key on it as well."""
    from tests.workspace.signing import key_file

    file = key_file("ann", tmp_path)
    for name, value in {"gpg.format": "ssh", "user.signingkey": str(file)}.items():
        team.repository.git("config", name, value)
    team.branch()
    team.edit()
    team.commit("bob", "-S")
    team.approve("ann", base="main")
    team.merge()
    assert "Identity/ann wrote the change" in team.is_refused()


def test_the_author_of_an_unsigned_commit_is_trusted(team: Team) -> None:
    """Not defended: Ann writes Bob's name on a commit that nobody signed, and approves it."""
    team.branch()
    team.edit()
    team.commit("bob")
    team.approve("ann", base="main")
    team.merge()
    team.applies()


def test_one_key_under_two_names_counts_for_neither(team: Team) -> None:
    team.gate(count=2)
    team.identity("dan", "bob")
    team.role("ann", "bob", "cid", "dan")
    team.edit()
    team.commit("ann")
    team.force("bob")
    team.force("bob", "dan")
    said = team.is_refused()
    for name in ("bob", "dan"):
        assert f"of Identity/{name} does not count: two identities name its key" in said
    assert "2 approvals by Role/owner owed, and 0 counted" in said


def test_two_keys_of_one_person_count_once(team: Team) -> None:
    team.gate(count=2)
    team.identity("bob", "bob", "other")
    team.commit("ann")
    team.applies()
    propose(team)
    team.approve("bob", base="main")
    team.now += timedelta(seconds=5)
    team.approve("other", base="main")
    team.merge()
    assert "2 approvals by Role/owner owed, and 1 counted: Identity/bob" in team.is_refused()
    team.approve("cid")
    team.applies()


def test_nobody_signs_in_anothers_name(team: Team) -> None:
    propose(team)
    team.force("ann", "bob", base="main")
    team.merge()
    assert "a key of Identity/ann signed it" in team.is_refused()


@pytest.mark.parametrize(
    "edit",
    [
        {"expires": "2030-01-01"},
        {"at": "2026-11-21T12:00:30+00:00"},
        {"environment": "staging"},
        {"decision": "approve", "reason": "because"},
    ],
)
def test_an_approval_that_was_edited_after_signing_does_not_count(
    team: Team, edit: dict[str, str]
) -> None:
    propose(team)
    signed = team.approve("bob", base="main")
    edit_record(team.root / signed.path, **edit)
    team.merge()
    assert "the signature does not fit" in team.is_refused()


def test_a_signature_for_something_else_does_not_count(team: Team) -> None:
    propose(team)
    signed = team.approve("bob", base="main")
    from chimera.gate import signed_content

    other = signer("bob").sign(signed_content(signed.spec), "git")
    edit_record(team.root / signed.path, signature=other)
    team.merge()
    assert "made for 'git' and does not count for 'chimera-approval'" in team.is_refused()


def test_a_key_does_not_count_for_the_change_that_it_comes_with(team: Team) -> None:
    team.branch()
    team.identity("eve")
    team.role("ann", "bob", "cid", "eve")
    team.edit()
    team.commit("ann")
    with pytest.raises(GateError, match="no Identity has it"):
        team.approve("eve", base="main")
    team.force("eve", base="main")
    assert "pay = 2" in (team.root / "src/pay.py").read_text("utf-8")
    team.merge()
    said = team.is_refused()
    assert "comes with what would be applied" in said
    team.approve("bob")
    team.applies()
    team.edit("pay = 3\n")
    team.commit("ann")
    team.approve("eve")
    team.applies()


def test_a_role_does_not_count_for_the_change_that_widens_it(team: Team) -> None:
    team.identity("eve")
    team.commit("ann")
    team.applies()
    team.branch()
    team.role("ann", "bob", "cid", "eve")
    team.edit()
    team.commit("ann")
    team.force("eve", base="main")
    team.merge()
    assert "Identity/eve cannot approve as Role/owner" in team.is_refused()


def test_who_holds_another_role_does_not_approve(team: Team) -> None:
    team.identity("eve")
    team.role("eve", name="guest")
    team.commit("ann")
    team.applies()
    propose(team)
    team.approve("eve", base="main")
    team.merge()
    assert "Identity/eve cannot approve as Role/owner" in team.is_refused()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"revoked": {"at": "2026-11-30", "reason": "lost"}}, "is revoked"),
        ({"validBefore": "2026-11-21"}, "expired at 2026-11-21"),
        ({"validAfter": "2027-01-01"}, "counts from 2027-01-01"),
    ],
)
def test_a_key_that_no_longer_counts_approves_nothing(
    team: Team, more: dict[str, Any], said: str
) -> None:
    propose(team)
    team.approve("bob", base="main")
    team.merge()
    team.identity("bob", **more)
    team.commit("cid")
    assert said in team.is_refused()


def test_an_approval_ends_when_the_gate_or_its_signer_says(team: Team) -> None:
    propose(team)
    team.approve("bob", base="main", expires=timedelta(hours=1))
    team.approve("cid", base="main")
    team.merge()
    start = team.now
    team.now = start + timedelta(days=7)
    said = team.is_refused()
    assert "it ended at 2026-11-21T13:" in said or "it is older than the 7d" in said
    assert said.count("it is older than the 7d that Gate/source allows") == 2
    team.now = start + timedelta(hours=2)
    team.applies()


def test_an_approval_from_the_future_does_not_count(team: Team) -> None:
    propose(team)
    team.now += timedelta(days=300)
    team.approve("bob", base="main")
    team.merge()
    team.now -= timedelta(days=300)
    assert "which is yet to come" in team.is_refused()


def test_a_waiver_that_is_slipped_in_after_the_approval_makes_it_another_item(team: Team) -> None:
    rule = {"id": "owned", "expression": "has(object.metadata.labels)", "message": "label it"}
    cases = [
        {"name": "no", "object": {"metadata": {}}, "expect": ["owned"]},
        {"name": "yes", "object": {"metadata": {"labels": {"a": "b"}}}, "expect": []},
    ]
    team.write(
        "policies/owned.yaml",
        document("Policy", "owned", match={"kinds": ["Workflow"]}, rules=[rule], cases=cases),
    )
    team.gate("work", {"kinds": ["Workflow"]})
    team.commit("ann")
    team.applies()
    team.branch()
    stage = {"id": "a", "operation": "command", "inputs": {"argv": ["true"]}, "timeout": "1m"}
    team.write("specs/work.yaml", document("Workflow", "work", trigger="human", stages=[stage]))
    team.commit("ann")
    team.approve("bob", base="main")
    waiver = {
        "policy": "Policy/owned",
        "rule": "owned",
        "address": "Workflow/work",
        "reason": "soon",
        "approver": "nobody",
        "expires": "2027-01-01",
    }
    team.write("policies/waivers/work.yaml", document("Waiver", "work", **waiver))
    team.commit("ann")
    team.merge()
    said = team.is_refused()
    assert "what the item owes, or the waivers that it has, are others than were signed" in said
    team.approve("bob")
    team.applies()


def test_a_rejection_stands_until_whoever_rejected_approves(team: Team) -> None:
    propose(team)
    team.approve("bob", base="main")
    team.now += timedelta(seconds=1)
    team.approve("cid", base="main", decision="reject", reason="it is wrong")
    team.merge()
    said = team.is_refused()
    assert "of Identity/cid rejects it: it is wrong" in said
    team.approve("bob")
    assert "rejects it" in team.is_refused()
    team.approve("cid")
    team.applies()


def test_who_holds_no_role_rejects_nothing(team: Team) -> None:
    team.identity("eve")
    team.role("eve", name="guest")
    team.commit("ann")
    team.applies()
    propose(team)
    team.approve("eve", base="main", decision="reject", reason="I mind")
    team.approve("bob", base="main")
    team.merge()
    team.applies()


def test_a_rejection_is_not_undone_by_what_else_the_item_owes(team: Team) -> None:
    propose(team)
    team.approve("cid", base="main", decision="reject", reason="no")
    team.gate("more", {"paths": ["src/**"]}, count=1)
    team.commit("ann")
    team.approve("bob", base="main")
    team.merge()
    assert "of Identity/cid rejects it" in team.is_refused()


def test_a_rejection_that_is_merged_counts_although_a_later_commit_drops_it(team: Team) -> None:
    """What is defended: it counts while any of HEAD, the trust ref or this machine has it."""
    propose(team)
    rejection = team.approve("cid", base="main", decision="reject", reason="no")
    team.write("changelog/no.yaml", (team.root / rejection.path).read_text("utf-8"))
    team.commit("cid")
    shutil.rmtree(team.root / ".chimera/records")
    team.merge()
    team.approve("bob")
    assert "of Identity/cid rejects it" in team.is_refused()
    (team.root / "changelog/no.yaml").unlink()
    before = team.repository.git("rev-parse", "HEAD")
    team.commit("ann")
    team.repository.git("branch", "-q", "trusted", before)
    # HEAD drops it; the trust ref, which is behind, would refuse HEAD for that alone.
    team.trust_ref = "trusted"
    with pytest.raises(GateError, match="is not in trusted"):
        team.apply()
    team.trust_ref = "main"
    # Not defended: where nobody has the record, nobody can tell that it was. Sharing it through
    # refs/chimera/evidence keeps it where a pull request deletes nothing.
    team.applies()


def test_what_is_not_merged_is_not_applied(team: Team) -> None:
    propose(team)
    team.approve("bob", base="main")
    with pytest.raises(GateError, match="is not in main") as caught:
        team.apply()
    assert caught.value.help is not None
    assert caught.value.help.startswith("merge it")


def test_without_a_ref_to_trust_nothing_is_applied(team: Team) -> None:
    propose(team)
    team.merge()
    team.trust_ref = None
    with pytest.raises(GateError, match="needs a ref to trust") as caught:
        team.apply()
    assert caught.value.help is not None
    assert "CHIMERA_TRUST_REF" in caught.value.help


def test_whoever_owns_the_machine_names_the_ref_and_is_trusted(team: Team) -> None:
    """Not defended: the process environment is the machine's owner's. A pull request has none."""
    propose(team)
    team.approve("bob", base="main")
    team.trust_ref = "topic"
    team.applies()


def test_the_repositorys_own_configuration_names_no_ref(team: Team) -> None:
    propose(team)
    team.repository.git("config", "chimera.trustRef", "topic")
    with pytest.raises(GateError, match="is not in main"):
        team.apply()


def test_an_older_commit_owes_what_the_tip_of_the_trust_ref_asks(team: Team) -> None:
    older = team.repository.git("rev-parse", "HEAD")
    team.edit()
    team.commit("ann")
    team.approve("bob")
    team.applies()
    team.gate(count=2)
    team.write("lib/a.py", "a = 1\n")
    team.gate("library", {"paths": ["lib/**"]})
    team.commit("ann")
    team.repository.git("checkout", "-q", older)
    team.approve("cid")
    said = team.is_refused()
    assert "2 approvals by Role/owner owed, and 1 counted: Identity/cid" in said
    team.approve("bob")
    team.applies()


def test_a_branch_unprotects_nothing(team: Team) -> None:
    team.branch()
    text = ENVIRONMENTS.replace("protected: true", "protected: false")
    team.write("specs/environments.yaml", text)
    team.edit()
    team.commit("ann")
    assert team.workspace().plan("production").value.plan.protected
    with pytest.raises(GateError, match="is not in main"):
        team.apply()


def test_what_is_signed_is_a_commits_and_no_dirty_trees(team: Team) -> None:
    team.edit()
    with pytest.raises(UsageError, match="nothing to sign"):
        team.approve("bob")


def test_automation_becomes_nobody_by_a_variable_and_somebody_by_a_signature(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = {
        "id": "1",
        "name": "One",
        "status": "active",
        "purpose": "p",
        "admits": {"kinds": ["Workflow"]},
        "prohibits": ["automation"],
    }
    team.write("specs/house.yaml", document("LayerContract", "house", purpose="p", layers=[layer]))
    team.commit("ann")
    team.applies()
    stage = {"id": "a", "operation": "command", "inputs": {"argv": ["true"]}, "timeout": "1m"}
    team.write("specs/work.yaml", document("Workflow", "work", trigger="apply", stages=[stage]))
    team.commit("ann")
    monkeypatch.delenv("CI", raising=False)
    assert "would be executed by" in team.is_refused()
    team.approve("ann")
    monkeypatch.setenv("CI", "true")
    team.applies()


def test_auto_approve_skips_the_question_and_nothing_else(team: Team) -> None:
    propose(team)
    team.merge()
    chimera = team.repository.chimera
    refused = chimera("apply", "--env", "production", "--auto-approve")
    assert refused.code == 1
    assert "1 approval by Role/owner owed, and 0 counted" in refused.out
    file = team.root.parent / "bob"
    from tests.workspace.signing import key_file

    key = str(key_file("bob", team.root.parent))
    assert file.exists()
    asked = chimera("approve", "--env", "production", "--key", key)
    assert (asked.code, "--yes" in asked.err) == (4, True)
    assert SOURCE in asked.err
    signed = chimera("approve", "--env", "production", "--key", key, "--yes", "-o", "json")
    assert signed.code == 0, signed.err
    assert [i["target"] for i in signed.json["spec"]["items"]] == [SOURCE]
    unasked = chimera("apply", "--env", "production")
    assert (unasked.code, "--auto-approve" in unasked.err) == (4, True)
    done = chimera("apply", "--env", "production", "--auto-approve")
    assert done.code == 0, done.out + done.err


def test_going_back_needs_a_person_although_no_gate_asks_one(team: Team) -> None:
    stage = {"id": "a", "operation": "command", "inputs": {"argv": ["true"]}, "timeout": "1m"}
    team.write("specs/work.yaml", document("Workflow", "work", trigger="human", stages=[stage]))
    older = team.commit("ann")
    team.applies()
    stage["timeout"] = "2m"
    team.write("specs/work.yaml", document("Workflow", "work", trigger="human", stages=[stage]))
    team.commit("ann")
    team.applies()
    team.repository.git("checkout", "-q", older)
    said = team.is_refused()
    assert "1 approval by a person owed, and 0 counted" in said
    team.approve("ann")
    team.applies()


def work(team: Team, trigger: str = "human", argv: tuple[str, ...] = ("true",)) -> None:
    act = {"argv": [*argv]}
    stage = {"id": "a", "operation": "command", "inputs": act, "timeout": "1m"}
    team.write("specs/work.yaml", document("Workflow", "work", trigger=trigger, stages=[stage]))


def test_going_back_to_what_was_deleted_since_needs_a_person(team: Team) -> None:
    """Nothing that is applied says from which later commit it was deleted."""
    work(team)
    older = team.commit("ann")
    team.applies()
    (team.root / "specs/work.yaml").unlink()
    team.commit("ann")
    team.applies()
    team.repository.git("checkout", "-q", older)
    assert "1 approval by a person owed, and 0 counted" in team.is_refused()
    team.approve("ann")
    team.applies()


NO_MACHINE = {
    "id": "1",
    "name": "One",
    "status": "active",
    "purpose": "p",
    "admits": {"kinds": ["Workflow"]},
    "prohibits": ["automation"],
}


def without_machines(team: Team) -> None:
    layers = [NO_MACHINE]
    team.write("specs/house.yaml", document("LayerContract", "house", purpose="p", layers=layers))
    team.commit("ann")
    team.applies()


def test_a_signature_that_no_gate_asked_for_is_spent_as_well(team: Team) -> None:
    """A person acted once, by signing: automation does not act by that again."""
    without_machines(team)
    work(team, "apply")
    team.commit("ann")
    assert "would be executed by" in team.is_refused()
    team.approve("ann")
    team.applies()
    (team.root / "specs/work.yaml").unlink()
    team.commit("ann")
    team.applies()
    work(team, "apply")
    team.commit("ann")
    assert "would be executed by" in team.is_refused()


def test_a_signature_that_no_gate_asked_for_lets_one_run_through(team: Team) -> None:
    without_machines(team)
    work(team)
    team.commit("ann")
    team.approve("ann")
    team.applies()
    team.now += timedelta(minutes=1)
    team.approve("ann", run="Workflow/work")

    def run() -> Outcome:
        return team.workspace().run("Workflow/work", {}, environment="production").outcome

    assert run() is Outcome.PASSED
    assert run() is Outcome.FAILED


def test_a_run_that_failed_goes_on_and_leaves_its_signature_to_no_other(team: Team) -> None:
    without_machines(team)
    work(team, argv=("test", "-e", "mended"))
    team.commit("ann")
    team.approve("ann")
    team.applies()
    team.now += timedelta(minutes=1)
    team.approve("ann", run="Workflow/work")
    first = team.workspace().run("Workflow/work", {}, environment="production")
    assert first.value.item is not None
    assert (first.outcome, first.value.item.status) == (Outcome.FAILED, "failed")
    again = team.workspace().run("Workflow/work", {}, environment="production")
    assert again.value.item is None
    (team.root / ".git/info/exclude").write_text("mended\n")
    (team.root / "mended").touch()
    assert team.workspace().runs.retry(first.value.item.run or "", None).outcome is Outcome.PASSED


@pytest.mark.parametrize(("answer", "code", "did"), [("y", 0, True), ("n", 4, False)])
def test_a_terminal_is_asked_before_anything_is_executed(
    team: Team, answer: str, code: int, did: bool
) -> None:
    propose(team)
    team.now = Context.system().clock.now()
    team.approve("bob", base="main")
    team.merge()
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "chimera", "apply", "--env", "production"],
        cwd=team.root,
        env=team.repository.environment(),
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.write(ours, f"{answer}\n".encode())
    out, _ = process.communicate(timeout=60)
    shown = ""
    while select.select([ours], [], [], 0)[0]:
        shown += os.read(ours, 100_000).decode()
    os.close(ours)
    os.close(theirs)
    assert "apply it to production, which is protected?" in shown
    assert (process.returncode, "applied 1 change" in out) == (code, did), shown
