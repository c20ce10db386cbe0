"""Runs from several processes: the real command line, with the run executed in another process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from chimera.model import ChimeraError
from chimera.render.runs import run_json
from chimera.runtime import list_runs
from chimera.workspace import Workspace

from .conftest import Repository
from .forking import Forked

STEPS = """\
apiVersion: chimera/v1
kind: Workflow
metadata: {name: slow}
spec:
  trigger: human
  mode: sequential
  stages:
    - {id: first, operation: command, inputs: {argv: [sh, wait.sh, first]}}
    - {id: second, operation: command, inputs: {argv: [sh, wait.sh, second]}}
"""
WAIT = """\
echo "$1 begins"
echo x >>"$1.count"
touch "$1.begun"
while [ ! -e "$1.go" ]; do sleep 0.02; done
[ ! -e "$1.bad" ]
"""
ASK = """\
apiVersion: chimera/v1
kind: Workflow
metadata: {name: ask}
spec:
  trigger: human
  stages:
    - {id: answer, wait: {signal: answered}}
    - id: say
      operation: command
      inputs: {argv: [echo, "${answer.text}"]}
      dependencies: [answer]
  outputs: {said: "${say.stdout}"}
"""


def until(what: Callable[[], Any], seconds: float = 20) -> Any:
    """Return what is wanted once it is there; it is a fault of the test where it never is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("it never came to be")


class Place:
    """A repository with workflows that wait for files, and one run of one of them."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.chimera = repository.chimera

    def begin(self, *options: str, name: str = "slow") -> Forked:
        process = self.repository.start("run", f"Workflow/{name}", *options)
        until(lambda: list_runs(self.repository.root))
        return process

    @property
    def uid(self) -> str:
        (run,) = list_runs(self.repository.root)
        return run.uid

    def shown(self) -> Any:
        workspace = Workspace.open(self.repository.root)
        return run_json(workspace.runs.details(self.uid))

    def stands(self, status: str) -> None:
        until(lambda: self.shown()["status"] == status)

    def let(self, *stages: str) -> None:
        for stage in stages:
            self.repository.write(f"{stage}.go", "")

    def has_begun(self, stage: str) -> None:
        until((self.repository.root / f"{stage}.begun").exists)

    def count(self, stage: str) -> int:
        return len((self.repository.root / f"{stage}.count").read_text().splitlines())


@pytest.fixture
def place(repository: Repository) -> Place:
    repository.write("specs/slow.yaml", STEPS)
    repository.write("specs/ask.yaml", ASK)
    repository.write("wait.sh", WAIT)
    assert repository.chimera("apply").code == 0
    return Place(repository)


def test_run_is_paused_from_another_process_and_goes_on_in_a_third(place: Place) -> None:
    process = place.begin()
    place.has_begun("first")
    asked = place.chimera("runs", "pause", place.uid, "--reason", "lunch")
    assert "asked run" in asked.out
    place.stands("pausing")
    place.let("first")
    process.communicate(timeout=30)
    shown = place.shown()
    assert shown["status"] == "paused"
    assert list(shown["steps"]) == ["first"]
    assert (shown["history"][0]["what"], shown["history"][0]["reason"]) == ("pause", "lunch")
    assert place.chimera("runs", "list", "--status", "paused", "-o", "json").json["runs"]
    place.let("second")
    resumed = place.chimera("runs", "resume", place.uid)
    assert (resumed.code, resumed.out.split()[0]) == (0, "succeeded")
    assert place.shown()["progress"] == {"total": 2, "done": 2, "failed": 0}
    assert (place.count("first"), place.count("second")) == (1, 1)


def test_run_is_resumed_before_it_has_paused(place: Place) -> None:
    process = place.begin()
    place.has_begun("first")
    place.chimera("runs", "pause", place.uid)
    place.stands("pausing")
    resumed = place.chimera("runs", "resume", place.uid)
    assert (resumed.code, "has the state" in resumed.out) == (0, True)
    place.stands("running")
    place.let("first", "second")
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert place.shown()["status"] == "succeeded"


def test_run_is_cancelled_from_another_process(place: Place) -> None:
    process = place.begin()
    place.has_begun("first")
    assert "asked run" in place.chimera("runs", "cancel", place.uid, "--reason", "wrong").out
    process.communicate(timeout=30)
    assert process.returncode == 1
    assert place.shown()["status"] == "cancelled"
    over = place.chimera("runs", "resume", place.uid)
    assert (over.code, "is over" in over.err) == (4, True)


def test_killed_run_goes_on_with_all_that_is_due(place: Place) -> None:
    process = place.begin()
    place.has_begun("first")
    place.let("first")
    place.has_begun("second")
    process.kill()
    process.communicate(timeout=30)
    assert place.shown()["status"] == "interrupted"
    place.let("second")
    due = place.chimera("run", "--due", "-o", "json")
    assert due.code == 0
    assert [one["run"]["status"] for one in due.json["continued"]] == ["succeeded"]
    assert (place.count("first"), place.count("second")) == (1, 2)
    assert place.chimera("run", "--due").out == "nothing is due\n"


def test_what_is_due_is_left_to_another_time_while_another_process_has_the_state(
    place: Place,
) -> None:
    process = place.begin()
    place.has_begun("first")
    due = place.chimera("run", "--due")
    assert due.code == 1
    assert "the state is in use by" in due.err
    assert "try again when it has finished" in due.err
    assert "--wait" not in due.err
    place.let("first", "second")
    process.communicate(timeout=30)


def test_interrupted_run_goes_on_by_name(place: Place) -> None:
    process = place.begin()
    place.has_begun("first")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 130
    place.let("first", "second")
    assert place.chimera("runs", "resume", place.uid).code == 0


def test_failed_stage_is_retried_and_what_finished_is_kept(place: Place) -> None:
    place.let("first", "second")
    place.repository.write("second.bad", "")
    failed = place.chimera("run", "Workflow/slow")
    assert failed.code == 1
    again = place.chimera("runs", "retry", place.uid)
    assert (again.code, again.out.split()[0]) == (1, "failed")
    (place.repository.root / "second.bad").unlink()
    again = place.chimera("runs", "retry", place.uid, "--reason", "mended")
    assert (again.code, again.out.split()[0]) == (0, "succeeded")
    assert place.count("first") == 1


def test_everything_from_a_stage_on_is_done_again(place: Place) -> None:
    place.let("first", "second")
    place.repository.write("second.bad", "")
    place.chimera("run", "Workflow/slow")
    (place.repository.root / "second.bad").unlink()
    again = place.chimera("runs", "retry", place.uid, "--from", "first")
    assert again.code == 0
    assert place.count("first") == 2
    (entry,) = [entry for entry in place.shown()["history"] if entry["what"] == "retry"]
    assert "first" in entry["about"]
    unknown = place.chimera("runs", "retry", place.uid, "--from", "nothing")
    assert unknown.code == 4


def test_waiting_run_is_parked_signalled_and_goes_on_when_due(place: Place) -> None:
    parked = place.chimera("run", "Workflow/ask")
    assert parked.code == 0
    assert "waiting" in parked.out
    text = place.chimera("runs", "show", place.uid).out
    assert f"`chimera runs signal {place.uid} answered`" in text
    assert place.chimera("run", "--due").out == "nothing is due\n"
    sent = place.chimera("runs", "signal", place.uid, "answered", "--data", '{"text": "yes"}')
    assert "`chimera run --due --env local` goes on with it" in sent.out
    due = place.chimera("run", "--due")
    assert (due.code, due.out.split()[0]) == (0, "succeeded")
    assert place.shown()["steps"]["answer"]["output"] == {"text": "yes"}
    described = place.chimera("describe", "Workflow/ask", "-o", "json").json
    assert described["applied"]["local"]["outputs"] == {"outputs": {"said": "yes\n"}}


def test_run_that_is_waited_for_takes_a_signal_of_another_process(place: Place) -> None:
    process = place.begin("--wait", name="ask")
    until(lambda: place.shown()["steps"])
    sent = place.chimera("runs", "signal", place.uid, "answered", "--data", '{"text": "7"}')
    assert "executes" in sent.out
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert '"said": "7\\n"' in out


def test_data_of_a_signal_is_json(place: Place) -> None:
    place.chimera("run", "Workflow/ask")
    wrong = place.chimera("runs", "signal", place.uid, "answered", "--data", "{")
    assert (wrong.code, "is not JSON" in wrong.err) == (4, True)


def test_answer_says_who_gives_it(place: Place) -> None:
    place.chimera("run", "Workflow/ask")
    workspace = Workspace.open(place.repository.root)
    workspace.runs.signal(place.uid, "answered", {"approved": True, "by": "somebody"})
    with workspace.read_state() as state:
        *_, told = state.events(place.uid)
    assert told.data["data"] == {
        "approved": True,
        "by": workspace.context.actor.name,
        "kind": workspace.context.actor.kind,
    }


def test_apply_of_a_workflow_that_waits_says_so_and_is_finished_by_a_later_one(
    place: Place,
) -> None:
    place.repository.write("specs/ask.yaml", ASK.replace("human", "apply"))
    applied = place.chimera("apply")
    assert applied.code == 0, applied.err
    assert "waiting update Workflow/ask (run" in applied.out
    assert "applied 0 changes, 1 waiting" in applied.out
    place.chimera("runs", "signal", place.uid, "answered", "--data", '{"text": "yes"}')
    assert place.chimera("run", "--due").code == 0
    assert "applied 1 change\n" in place.chimera("apply").out
    described = place.chimera("describe", "Workflow/ask").out
    assert '    outputs        {"said": "yes\\n"}' in described
    assert len(list_runs(place.repository.root)) == 1


def test_report_of_a_run_says_how_it_stands(place: Place) -> None:
    waiting = place.chimera("run", "Workflow/ask", "-o", "json").json
    assert (waiting["status"], waiting["outputs"]) == ("waiting", None)
    place.let("first", "second")
    ended = place.chimera("run", "Workflow/slow", "-o", "json").json
    assert (ended["status"], ended["outputs"]) == ("succeeded", {"outputs": {}})
    assert ended["took"] > 0
    place.repository.write("second.bad", "")
    failed = place.chimera("run", "Workflow/slow", "-o", "json").json
    assert (failed["status"], failed["outputs"]) == ("failed", None)


def test_every_run_that_waits_is_unfinished_and_of_failures_the_last(place: Place) -> None:
    for _ in range(2):
        place.chimera("run", "Workflow/ask")
    place.let("first", "second")
    place.repository.write("second.bad", "")
    for _ in range(2):
        assert place.chimera("run", "Workflow/slow").code == 1
    status = place.chimera("status", "-o", "json").json
    (local,) = [one for one in status["environments"] if one["name"] == "local"]
    found = [(one["target"], one["status"]) for one in local["unfinishedRuns"]]
    assert found == [
        ("Workflow/slow", "failed"),
        ("Workflow/ask", "waiting"),
        ("Workflow/ask", "waiting"),
    ]


def test_freeze_holds_a_run_that_would_go_on(place: Place) -> None:
    place.chimera("run", "Workflow/ask")
    place.repository.write(
        "specs/freeze.yaml",
        """\
        apiVersion: chimera/v1
        kind: Freeze
        metadata: {name: all}
        spec:
          scope: {kinds: [Workflow]}
          from: "2026-01-01T00:00:00Z"
          reason: the books are closed
          by: ann
        """,
    )
    checked = place.chimera("check")
    assert checked.code == 0, checked.out
    place.chimera("runs", "signal", place.uid, "answered", "--data", '{"text": "1"}')
    due = place.chimera("run", "--due")
    assert due.code == 1
    assert "refused" in due.out
    assert "Freeze/all" in due.out
    (place.repository.root / "specs/freeze.yaml").unlink()
    assert place.chimera("run", "--due").code == 0


def test_log_is_followed_until_the_run_is_over(place: Place) -> None:
    process = place.begin()
    follower = place.repository.start("runs", "logs", place.uid, "--follow")
    place.let("first", "second")
    process.communicate(timeout=30)
    out, _ = follower.communicate(timeout=30)
    assert follower.returncode == 0
    assert [line.split(" ", 1)[1] for line in out.splitlines()] == [
        "first: first begins",
        "second: second begins",
    ]
    only = place.chimera("runs", "logs", place.uid, "--step", "second")
    assert "first:" not in only.out


def test_reader_of_a_log_who_has_seen_enough_is_no_fault(place: Place) -> None:
    place.repository.write("wait.sh", "seq 20000")
    place.chimera("run", "Workflow/slow")
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "chimera", "runs", "logs", place.uid],
        cwd=place.repository.root,
        env=place.repository.environment(),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    assert os.read(read, 100)
    os.close(read)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")


def test_status_of_a_run_is_one_line(place: Place) -> None:
    place.chimera("run", "Workflow/ask")
    status = place.chimera("runs", "status", place.uid)
    assert status.out == "waiting  0/2 steps  Workflow/ask in local\n"
    assert place.chimera("runs", "status", "nobody").code == 4


def test_what_would_run_is_shown_and_nothing_is_begun(place: Place) -> None:
    outline = place.chimera("run", "Workflow/ask", "--dry-run", "-o", "json")
    assert outline.code == 0
    assert outline.json["waves"] == [["answer"], ["say"]]
    assert outline.json["steps"]["answer"]["waits"] is True
    assert list_runs(place.repository.root) == ()


@pytest.mark.parametrize(
    "call", [("run",), ("run", "--due", "Workflow/ask"), ("run", "--due", "--dry-run")]
)
def test_what_cannot_be_meant_is_refused(place: Place, call: tuple[str, ...]) -> None:
    assert place.chimera(*call).code == 4


def test_finished_runs_are_forgotten(place: Place) -> None:
    place.let("first", "second")
    place.chimera("run", "Workflow/slow")
    place.chimera("run", "Workflow/slow")
    assert place.chimera("runs", "prune", "--older-than", "0").out == "forgot 1 run\n"
    assert len(list_runs(place.repository.root)) == 1


def test_retention_counts_of_environments_that_are_in_use(place: Place) -> None:
    place.let("first", "second")
    assert place.chimera("runs", "prune").code == 4
    place.repository.write(
        "specs/kept.yaml",
        "apiVersion: chimera/v1\nkind: Orchestrator\nmetadata: {name: kept}\nspec: {}\n---\n"
        "apiVersion: chimera/v1\nkind: Environment\nmetadata: {name: unused}\nspec: {}\n",
    )
    assert place.chimera("apply").code == 0
    assert place.chimera("runs", "prune").out == "forgot 0 runs\n"


TELL = """\
apiVersion: chimera/v1
kind: Workflow
metadata: {name: tell}
spec:
  trigger: human
  inputs: {order: {type: string}}
  stages:
    - id: tell
      operation: publish
      inputs: {topic: order.paid, payload: {order: "${input.order}"}}
"""
SHIP = """\
apiVersion: chimera/v1
kind: Workflow
metadata: {name: ship}
spec:
  trigger: event
  event: order.*
  inputs: {order: {type: string, default: ""}}
  stages:
    - id: ship
      operation: command
      inputs: {argv: [sh, -c, "echo $1 >>shipped", sh, "${input.order}"]}
"""


def test_published_event_starts_its_workflow_once_each(place: Place) -> None:
    place.repository.write("specs/tell.yaml", TELL)
    place.repository.write("specs/ship.yaml", SHIP)
    applied = place.chimera("apply")
    assert applied.code == 0, applied.out
    for order in ("a", "b"):
        told = place.chimera("run", "Workflow/tell", "-i", f"order={order}")
        assert told.code == 0, told.out
    due = place.chimera("run", "--due", "-o", "json")
    assert due.code == 0, due.out
    assert len(due.json["started"]) == 2
    assert (place.repository.root / "shipped").read_text() == "a\nb\n"
    assert place.chimera("run", "--due").out == "nothing is due\n"


def test_a_circle_of_events_is_told_and_not_gone_round_for_ever(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = TELL.replace("{type: string}", '{type: string, default: "1"}')
    circle = told.replace("name: tell", "name: circle")
    circle = circle.replace("trigger: human", "trigger: event\n  event: order.*")
    circle = circle.replace("- id: tell", '- id: tell\n      when: input.order != ""')  # or never
    place.repository.write("specs/tell.yaml", told)
    place.repository.write("specs/circle.yaml", circle)
    assert place.chimera("apply").code == 0
    assert place.chimera("run", "Workflow/tell").code == 0
    monkeypatch.setattr("chimera.workspace.running._MOST_ROUNDS", 3)
    workspace = Workspace.open(place.repository.root)
    with pytest.raises(ChimeraError, match="in 3 rounds, and still more are due: Workflow/circle"):
        workspace.runs.due()
    assert len(list_runs(place.repository.root, target="Workflow/circle")) == 3
