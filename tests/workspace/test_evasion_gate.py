"""Ways around the gate itself: out of order, without its reviewers, with old records, by forgery.

What Python cannot defend is tested too, so that it is known: `test_..._is_trusted`.
"""

from __future__ import annotations

import pickle
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from chimera.context import Context
from chimera.gate import Permit, StageRuling, permit, weigh
from chimera.gate import ruling as ruling_module
from chimera.model import Finding, GateError, Outcome, Verdict
from chimera.plugin import hookimpl
from chimera.runtime import apply as execute
from chimera.state import read_state
from chimera.workspace.ruling import weighing_of
from tests.workspace.signing import ENVIRONMENTS, SOURCE, Team, document, key_file, refusals


@pytest.fixture
def team(repository: Any) -> Team:
    """Ann and Bob own `src`; the first state is applied to production."""
    made = Team(repository)
    made.write("specs/environments.yaml", ENVIRONMENTS)
    for name in ("ann", "bob"):
        made.identity(name)
    made.role("ann", "bob")
    made.gate()
    made.write(".gitignore", ".chimera/\nacted\ntold\n")
    made.edit("pay = 1\n")
    made.commit("ann")
    made.approve("bob")
    made.applies()
    return made


def spent(team: Team) -> list[str]:
    with read_state(team.root) as state:
        return sorted(target for _, target in state.spent("production"))


def applied(team: Team) -> dict[str, Any]:
    with read_state(team.root) as state:
        return dict(state.applied("production"))


# Records that are offered for another change


RECORDED = {"match": {"paths": ["src/**"]}, "requires": {"records": ["ChangelogEntry"]}}


def entry(team: Team, name: str, after: str) -> None:
    spec = {
        "date": "2026-11-21",
        "environment": "production",
        "summary": "Payments are right",
        "scope": "code",
        "risk": "low",
        "verification": "pay once",
        "rollback": "deploy the version before",
        "answers": [{"target": SOURCE, "after": after}],
    }
    team.write(f"changelog/{name}.yaml", document("ChangelogEntry", name, **spec))


def after(team: Team) -> str:
    items = team.workspace().make_plan("production").plan.items
    return next(i.change.after for i in items if str(i.change.target) == SOURCE) or ""


def test_an_old_changelog_entry_does_not_serve_a_new_change(team: Team) -> None:
    team.write("specs/gates/source.yaml", document("Gate", "source", **RECORDED))
    team.edit("pay = 2\n")
    team.commit()
    old = after(team)
    entry(team, "first", old)
    team.commit()
    team.approve("bob")  # the gate was another one, and still holds as it was
    team.applies()
    team.edit("pay = 3\n")
    team.commit()
    said = team.is_refused()
    assert f"no ChangelogEntry names {SOURCE} with its digest" in said
    assert f"ChangelogEntry/first is about another change: after {old[:19]}" in said
    entry(team, "second", after(team))
    team.commit()
    team.applies()


def test_an_entry_for_another_target_or_a_deletion_does_not_serve(team: Team) -> None:
    team.write("specs/gates/source.yaml", document("Gate", "source", **RECORDED))
    team.edit("pay = 2\n")
    team.commit()
    for name, target in (("other", "paths:docs/**"), ("same", SOURCE)):
        entry(team, name, "deleted")
        text = (team.root / f"changelog/{name}.yaml").read_text()
        team.write(f"changelog/{name}.yaml", text.replace(SOURCE, target))
    team.commit()
    assert f"no ChangelogEntry names {SOURCE} with its digest" in team.is_refused()


# A gate that is edited in the change that it should judge


@pytest.mark.parametrize("edit", ["deleted", "asks for less", "is about less", "is elsewhere"])
def test_a_gate_that_the_change_loosens_judges_it_as_it_was(team: Team, edit: str) -> None:
    team.branch()
    team.edit("pay = 2\n")
    match edit:
        case "deleted":
            (team.root / "specs/gates/source.yaml").unlink()
        case "asks for less":
            team.write("specs/gates/source.yaml", document("Gate", "source", **RECORDED))
        case "is about less":
            team.gate(match={"paths": ["src/old/**"]})
        case "is elsewhere":
            team.gate(match={"paths": ["src/**"], "environments": ["Environment/staging"]})
    team.commit()
    plan = team.workspace().compare("production", "main", "HEAD").plan
    owed = {(o.kind, o.subject, str(o.target)) for o in plan.obligations}
    assert ("approval", "Role/owner", SOURCE) in owed
    assert "is not in main" in _refused(team)  # what is not merged is not applied at all
    team.merge()
    assert "owes approval Role/owner" in _judges(team)
    team.approve("bob")
    if edit != "asks for less":
        team.applies()


def _refused(team: Team) -> str:
    with pytest.raises(GateError) as error:
        team.apply()
    return str(error.value)


def _judges(team: Team) -> str:
    result = team.apply()
    assert result.outcome is not Outcome.PASSED
    return "\n".join(v.judge for v in result.value.ruling.refusals)


def test_a_gate_that_the_change_adds_judges_it_already(team: Team) -> None:
    team.gate("docs", {"paths": ["docs/**"]})
    team.write("docs/page.md", "x\n")
    team.commit()
    assert "1 approval by Role/owner owed" in team.is_refused()


def test_an_environment_that_is_renamed_takes_nothing_with_it(team: Team) -> None:
    """What was applied to the old name says nothing of the new one: all of it is owed anew."""
    renamed = ENVIRONMENTS.replace("name: production", "name: live")
    team.write("specs/environments.yaml", renamed)
    team.commit()
    said = team.is_refused("live")
    assert "1 approval by Role/owner owed" in said
    assert "it is for the environment production" in said
    with pytest.raises(Exception, match="no environment 'production'"):
        team.apply()


# Freezes


FREEZE = {"from": "2026-11-21T00:00:00Z", "reason": "money is at risk", "by": "Ann"}


def frozen(team: Team) -> None:
    team.write("changelog/freeze.yaml", document("Freeze", "money", **FREEZE))
    team.commit()


def test_a_freeze_stops_even_what_is_approved(team: Team) -> None:
    team.edit("pay = 2\n")
    team.commit()
    team.approve("bob")
    before = spent(team)
    frozen(team)
    said = team.is_refused()
    assert "Freeze/money freezes paths:src/**: money is at risk" in said
    assert "who can: Ann" in said
    assert "Role/owner" not in said
    assert spent(team) == before, "only what was applied before is spent"


@pytest.mark.parametrize("edit", ["deleted", "lifted", "elsewhere"])
def test_a_freeze_is_not_lifted_by_a_commit_that_is_not_merged(team: Team, edit: str) -> None:
    team.edit("pay = 2\n")
    team.commit()
    team.approve("bob")
    frozen(team)
    team.branch("other")
    match edit:
        case "deleted":
            (team.root / "changelog/freeze.yaml").unlink()
        case "lifted":
            lifted = {"at": "2026-11-21T01:00:00Z", "by": "Eve", "reason": "I want to"}
            team.write(
                "changelog/freeze.yaml", document("Freeze", "money", **FREEZE, lifted=lifted)
            )
        case "elsewhere":
            scope = {"environments": ["Environment/staging"]}
            team.write("changelog/freeze.yaml", document("Freeze", "money", **FREEZE, scope=scope))
    team.commit()
    assert "is not in main" in _refused(team)
    # An older commit that lacks the freeze is in the trust ref, and frozen all the same.
    team.repository.git("checkout", "-q", "main~1")
    assert "Freeze/money freezes paths:src/**" in team.is_refused()


def test_a_freeze_that_is_written_here_stops_what_is_applied_from_here(team: Team) -> None:
    team.edit("pay = 2\n")
    team.commit()
    team.approve("bob")
    records = team.root / ".chimera" / "records" / "Freeze"
    records.mkdir(parents=True)
    (records / "money.yaml").write_text(document("Freeze", "money", **FREEZE))
    assert "Freeze/money freezes paths:src/**" in team.is_refused()
    (records / "money.yaml").write_text("kind: Freeze\n")
    assert "has a document that cannot be read" in team.is_refused()


def test_a_freeze_stops_a_run_as_well(team: Team) -> None:
    team.write("specs/tell.yaml", WORKFLOW % ("human", "touch told"))
    team.commit()
    team.applies()
    frozen(team)
    result = team.workspace().run("Workflow/act", {}, environment="production")
    assert result.outcome is not Outcome.PASSED
    assert "Freeze/money freezes Workflow/act" in refusals(result)
    assert not (team.root / "told").exists()


# Reviewers


def reviewer(answer: Any) -> ModuleType:
    def chimera_review_plan(stage: Any, weighing: Any) -> Any:
        return answer(stage)

    module = ModuleType("acme")
    module.chimera_review_plan = hookimpl(chimera_review_plan)  # type: ignore[attr-defined]
    return module


def raises(stage: str) -> Any:
    raise RuntimeError("no")


def leaves(stage: str) -> Any:
    raise SystemExit(0)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (raises, "the plugin acme raised RuntimeError('no')"),
        (leaves, "the plugin acme raised SystemExit(0)"),
        (lambda stage: None, "the plugin acme raised TypeError"),
        (lambda stage: [True], "the plugin acme gave no verdict but True"),
        (lambda stage: [Verdict("acme", "all", Finding.FAIL, ("not today",))], "not today"),
    ],
)
def test_a_plugin_that_raises_leaves_or_says_nonsense_stops_what_is_approved(
    team: Team, answer: Any, said: str
) -> None:
    team.edit("pay = 2\n")
    team.commit()
    team.approve("bob")
    workspace = team.workspace()
    workspace.plugins.register(reviewer(answer), "acme")
    result = workspace.apply("production")
    assert result.outcome is not Outcome.PASSED
    assert said in refusals(result)
    assert applied(team)[SOURCE].digest != after(team)
    team.applies()


@pytest.mark.parametrize(
    "name",
    ["chimera.gate.plugin", "chimera.builtin.records.plugin", "chimera.builtin.guards.plugin"],
)
def test_an_essential_reviewer_that_says_nothing_stops_what_is_approved(
    team: Team, name: str
) -> None:
    team.edit("pay = 2\n")
    team.commit()
    team.approve("bob")
    workspace = team.workspace()
    planned = workspace.make_plan("production")
    with workspace.open_state("test") as state:
        weighing = weighing_of(workspace, workspace.commit(), planned, state)
    workspace.plugins.unregister(name=name)
    for answer, said in ((lambda stage: [], "said nothing about"), (None, "is missing")):
        if answer is not None:
            workspace.plugins.register(reviewer(answer), name)
        ruled = weigh(weighing, workspace.plugins)
        reasons = " ".join(reason for v in ruled.refusals for reason in v.reasons)
        assert f"the plugin {name} {said}" in reasons
        with pytest.raises(GateError):
            permit(ruled)
        if answer is not None:
            workspace.plugins.unregister(name=name)


@pytest.mark.parametrize("name", ["records", "guards", "gate", "chimera.gate.plugin"])
def test_no_document_disables_a_reviewer(team: Team, name: str) -> None:
    team.write("specs/repository.yaml", document("Repository", "r", plugins={"disable": [name]}))
    team.edit("pay = 2\n")
    team.commit()
    result = team.apply()
    assert result.outcome is not Outcome.PASSED
    assert result.value.items == ()
    assert applied(team)[SOURCE].digest != after(team)


# Forgery


class Forger:
    """A plan that nobody approved, and all that is needed to execute it but a permit."""

    def __init__(self, team: Team) -> None:
        team.edit("pay = 2\n")
        team.commit()
        self.workspace = team.workspace()
        self.planned = self.workspace.make_plan("production")
        self.plan = self.planned.plan

    def execute(self, given: Any) -> Any:
        subject = self.planned.judgement.subject
        workspace = self.workspace
        with workspace.open_state("forge") as state:
            told: list[Any] = []
            note = lambda *record: told.append(record)  # noqa: E731 - a sink for records
            return execute(
                given, self.plan, subject, state, workspace.context, workspace.plugins, note
            )


class Crafted:
    """Pickles as a permit that nobody gave."""

    def __init__(self, plan: str) -> None:
        self.plan = plan

    def __reduce__(self) -> Any:
        return thaw, (Permit,), [self.plan, "production", {}, ""]


def thaw(kind: Any) -> Any:
    return object.__new__(kind)


def test_a_forged_permit_executes_nothing(team: Team) -> None:
    forger = Forger(team)
    forged = object.__new__(Permit)
    values = {"plan_digest": forger.plan.digest, "environment": "production", "approvals": {}}
    for name, value in {**values, "seal": "0" * 64}.items():
        object.__setattr__(forged, name, value)
    with pytest.raises(GateError, match="the permit is for another plan"):
        forger.execute(forged)
    thawed = pickle.loads(pickle.dumps(Crafted(forger.plan.digest)))
    assert isinstance(thawed, Permit)
    assert thawed.plan_digest == forger.plan.digest
    with pytest.raises(GateError):
        forger.execute(thawed)
    assert applied(team)[SOURCE].digest != after(team)


def test_a_permit_for_another_plan_executes_nothing(team: Team) -> None:
    team.edit("pay = 3\n")
    team.commit()
    team.approve("bob")
    workspace = team.workspace()
    planned = workspace.make_plan("production")
    with workspace.open_state("test") as state:
        weighing = weighing_of(workspace, workspace.commit(), planned, state)
    given = permit(weigh(weighing, workspace.plugins))
    with pytest.raises(GateError, match="the permit is for another plan"):
        Forger(team).execute(given)


def test_a_refusal_edited_to_pass_gets_no_permit(team: Team) -> None:
    team.edit("pay = 2\n")
    team.commit()
    refused = team.apply().value.ruling
    assert refused.outcome is not Outcome.PASSED
    passing = tuple(
        StageRuling(s.stage, tuple(replace(v, finding=Finding.PASS) for v in s.verdicts))
        for s in refused.stages
    )
    forged = replace(refused, stages=passing)
    assert forged.outcome is Outcome.PASSED
    with pytest.raises(GateError, match="a ruling cannot be made by hand"):
        permit(forged)


def test_code_in_this_process_that_reads_the_key_is_trusted(team: Team) -> None:
    """Python has no wall between modules: a plugin that means harm is not held by the seal."""
    forger = Forger(team)
    about = (forger.plan.digest, "production", {})
    forged = Permit(*about, ruling_module._permit_seal(*about))
    items = forger.execute(forged)
    assert {item.status for item in items} == {"applied"}


# Approvals are spent by what they let through, and by nothing else


WORKFLOW = """\
apiVersion: chimera/v1
kind: Workflow
metadata: {name: act}
spec:
  trigger: %s
  stages:
    - {id: act, operation: command, inputs: {argv: [sh, -c, "%s"]}, timeout: 1m}
"""


@pytest.fixture
def working(team: Team) -> Team:
    team.gate("acting", {"kinds": ["Workflow"]})
    return team


def test_an_apply_that_fails_spends_nothing_and_its_retry_needs_no_other_approval(
    working: Team,
) -> None:
    working.write("specs/act.yaml", WORKFLOW % ("apply", "test -e acted"))
    working.commit()
    working.approve("bob")
    result = working.apply()
    assert [item.status for item in result.value.items] == ["applied", "failed"]
    assert "Workflow/act" not in spent(working)
    (working.root / "acted").touch()
    working.applies()
    assert "Workflow/act" in spent(working)


def test_an_apply_that_is_killed_spends_nothing(working: Team) -> None:
    working.write("specs/act.yaml", WORKFLOW % ("apply", "touch told; test -e acted || sleep 60"))
    working.commit()
    working.now = datetime.now(UTC)
    working.approve("bob")
    process = working.repository.start("apply", "--env", "production", "--auto-approve")
    deadline = time.monotonic() + 120
    while not (working.root / "told").exists() and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert "Workflow/act" not in spent(working)
    assert "Workflow/act" not in applied(working)
    (working.root / "acted").touch()
    working.applies()
    assert "Workflow/act" in spent(working)


def run(team: Team) -> Any:
    team.now += timedelta(minutes=1)
    return team.workspace().run("Workflow/act", {}, environment="production")


def test_a_run_takes_an_approval_of_its_own_and_spends_it(working: Team) -> None:
    working.write("specs/act.yaml", WORKFLOW % ("human", "echo x >> told"))
    working.commit()
    working.approve("bob")
    working.applies()
    refused = run(working)
    assert refused.outcome is not Outcome.PASSED
    assert "it is to create what the plan would run" in refusals(refused)
    assert "chimera approve --env production --run Workflow/act" in refusals(refused)
    working.approve("bob", run="Workflow/act")
    passed = run(working)
    assert passed.outcome is Outcome.PASSED, refusals(passed)
    again = run(working)
    assert again.outcome is not Outcome.PASSED
    assert "it was spent" in refusals(again)
    assert (working.root / "told").read_text() == "x\n"
    working.now += timedelta(minutes=1)
    working.approve("bob", run="Workflow/act")
    assert run(working).outcome is Outcome.PASSED


def test_an_approval_of_a_run_is_of_what_that_is_given(working: Team) -> None:
    given = "  inputs: {who: {type: string, default: ann}}\n"
    working.write("specs/act.yaml", WORKFLOW % ("human", "true") + given)
    working.commit()
    working.approve("bob")
    working.applies()
    working.now = Context.system().clock.now()
    working.approve("bob", run="Workflow/act")
    chimera, key = working.repository.chimera, str(key_file("bob", working.root.parent))
    run = ("run", "Workflow/act", "--env", "production", "--input", "who=eve")
    refused = chimera(*run)
    assert refused.code == 1, refused.out + refused.err
    assert "what the item owes, or the waivers that it has, are others" in refused.out
    assert "and the same --input" in refused.out
    signing = ("approve", "--env", "production", "--key", key, "--yes", "--run", "Workflow/act")
    assert chimera(*signing, "--input", "who=eve").code == 0
    assert chimera(*run).code == 0


def test_an_approved_run_that_fails_is_tried_again_and_lets_no_other_through(
    working: Team,
) -> None:
    working.write("specs/act.yaml", WORKFLOW % ("human", "test -e acted"))
    working.commit()
    working.approve("bob")
    working.applies()
    working.approve("bob", run="Workflow/act")
    failed = run(working)
    assert failed.outcome is Outcome.FAILED
    (working.root / "acted").touch()
    assert "it was spent" in refusals(run(working))
    again = working.workspace().runs.retry(failed.value.item.run, None)
    assert again.outcome is Outcome.PASSED
