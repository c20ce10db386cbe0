"""What a person sees of a run: what waits and why, what stands in, many steps in few lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chimera.model import Result
from chimera.render.executed import due_text, gone_on_text
from chimera.render.paint import Brush
from chimera.render.runs import (
    age,
    duration,
    run_json,
    run_status_text,
    run_text,
    runs_text,
)
from chimera.runtime import RunResult
from chimera.state import Event, EventKind, Holder, Run, RunStatus
from chimera.workspace.continuing import Continued
from chimera.workspace.controlling import GoneOn, Told
from chimera.workspace.history import history, parent_of, waits
from chimera.workspace.inspecting import RunDetails
from chimera.workspace.running import DueReport

T = datetime(2026, 11, 21, 9, tzinfo=UTC)
RUN = Run(
    "01kajz3w4bk3s2m9d5c8h7q6fx",
    "local",
    "Workflow/release",
    {},
    "sha256:" + "a" * 64,
    {"version": "1.2"},
    RunStatus.WAITING,
    "ann",
    T,
    T + timedelta(seconds=20),
    total=10,
    done=7,
    failed=1,
)


def event(kind: str, step: str = "", s: float = 0, attempt: int = 1, **more: Any) -> Event:
    at = T + timedelta(seconds=s)
    data, due, flag = more.get("data"), more.get("due"), more.get("flag")
    return Event(EventKind[kind], step, attempt, at, data, due, flag=flag)


def asked(kind: str, s: float, **more: Any) -> Event:
    return event(kind, s=s, data={"actor": "ann", "reason": "", "request": "r", **more})


def shown(*events: Event) -> str:
    return run_text(RunDetails(RUN, history(events)))


def test_a_run_shows_each_stage_and_why_it_waits() -> None:
    soon = T + timedelta(hours=2)
    text = shown(
        event("START", "build"),
        event("RETRY", "build", 1, data={"error": "connection refused"}, due=T),
        event("START", "build", 2, attempt=2),
        event("DONE", "build", 3.2, attempt=2),
        event("START", "rows", 4),
        event("RETRY", "rows", 5, data={"error": "no route to host"}, due=T),
        event("DONE", "rows", 6, attempt=2, data={"rows": []}, flag="degraded"),
        event("SKIP", "never"),
        asked("PAUSE", 7, reason="lunch"),
        asked("RESUME", 8),
        asked("SIGNAL", 9, name="ready", data=1),
        event("RETRY", "call", 9, data={"error": "503"}, due=soon),
        event("WAIT", "approve", 9, data={"signal": "approved"}, due=soon),
        event("WAIT", "later", 9, due=soon),
    )
    assert text == (
        "run 01kajz3w4bk3s2m9d5c8h7q6fx waiting\n"
        "  target       Workflow/release in local\n"
        "  started      2026-11-21T09:00:00+00:00 by ann\n"
        "  steps        7/10, 1 failed\n"
        "  definition   aaaaaaaaaaaa\n"
        '  input        {"version": "1.2"}\n'
        "  pause        2026-11-21T09:00:07+00:00 by ann: lunch\n"
        "  resume       2026-11-21T09:00:08+00:00 by ann\n"
        "  signal       2026-11-21T09:00:09+00:00 by ann: ready\n"
        "\n"
        "STEP     STATUS   ATTEMPT  TIME\n"
        "build    done     2        3.2 s\n"
        "rows     done     2        2 s\n"
        "    degraded: it failed, and what it declares stands in its place\n"
        "    no route to host\n"
        "never    skipped\n"
        "call     waiting  2\n"
        "    waits until 2026-11-21T11:00:00+00:00\n"
        "    503\n"
        "approve  waiting  1\n"
        "    waits for the signal approved; send it with\n"
        "    `chimera runs signal 01kajz3w4bk3s2m9d5c8h7q6fx approved`\n"
        "    waits at the latest until 2026-11-21T11:00:00+00:00\n"
        "later    waiting  1\n"
        "    waits until 2026-11-21T11:00:00+00:00"
    )


def elements(count: int, failed: tuple[int, ...]) -> list[Event]:
    found = [event("START", "fan")]
    for n in range(count):
        found.append(event("START", f"fan[{n}]"))
        data = {"error": f"no host {n}"} if n in failed else None
        found.append(event("FAIL" if data else "DONE", f"fan[{n}]", 1, data=data))
    return found


def test_ten_thousand_elements_are_counted_and_what_failed_is_shown() -> None:
    lines = shown(*elements(10_000, (17, 4711))).splitlines()
    below = lines[lines.index("") + 1 :]
    assert [line.rstrip() for line in below] == [
        "STEP      STATUS   ATTEMPT  TIME",
        "fan       started  1",
        "    10,000 inside: 9,998 done, 2 failed",
        "  [17]    failed   1        1 s",
        "      no host 17",
        "  [4711]  failed   1        1 s",
        "      no host 4711",
    ]


def test_of_many_failures_the_first_are_shown_and_the_rest_is_counted() -> None:
    lines = shown(*elements(100, tuple(range(40)))).splitlines()
    assert sum("failed   1" in line for line in lines) == 10
    assert lines[-1] == "  and 30 more that failed (-o json has them all)"


def test_a_few_steps_inside_are_shown_one_by_one() -> None:
    text = shown(
        event("START", "deploy"),
        event("START", "deploy/push"),
        event("DONE", "deploy/push", 1),
        event("START", "deploy/hosts"),
        *(event("DONE", f"deploy/hosts[{n}]", 1) for n in range(2)),
    )
    names = [line.split()[0] for line in text.splitlines()[-5:]]
    assert names == ["deploy", "push", "hosts", "[0]", "[1]"]


def test_what_was_undone_says_so_in_its_own_row() -> None:
    text = shown(
        event("START", "make"),
        event("DONE", "make", 1),
        event("COMP_START", "make!undo", 2),
        event("COMP_DONE", "make!undo", 3),
        event("RETRY", "call!escalate[0]", 3, attempt=0),
        event("START", "call!escalate[0]", 3),
        event("DONE", "call!escalate[0]", 3),
    )
    assert text.splitlines()[-1] == "make  undone  1        1 s"


def test_what_a_cancelled_run_had_under_way_is_stopped_and_waits_for_nothing() -> None:
    cancelled = replace(RUN, status=RunStatus.CANCELLED)
    steps = [event("START", "call"), event("WAIT", "ask", data={"signal": "go"})]
    text = run_text(RunDetails(cancelled, history(steps)))
    assert [line.split() for line in text.splitlines()[-2:]] == [
        ["call", "stopped", "1"],
        ["ask", "stopped", "1"],
    ]


def test_undoing_that_failed_is_shown() -> None:
    text = shown(
        event("DONE", "make", 1),
        event("COMP_START", "make!undo", 2),
        event("FAIL", "make!undo", 3, data={"error": "it is gone"}),
    )
    assert "  !undo  failed  1        1 s\n      it is gone" in text


def test_resumed_run_has_what_failed_before_it_again_but_not_inside_of_what_finished() -> None:
    found = history(
        [
            event("FAIL", "call", 1, data={"error": "503"}),
            *elements(3, (1,)),
            event("DONE", "fan", 2),
            event("RESUME"),
        ]
    )
    assert found.steps["call"].status.value == "waiting"
    assert found.steps["fan[1]"].status.value == "failed"
    assert found.entries == ()


@pytest.mark.parametrize(
    ("id", "parent"),
    [
        ("a", None),
        ("a/b", "a"),
        ("a[3]", "a"),
        ("a/b[3]", "a/b"),
        ("a[3]/b", "a[3]"),
        ("a!undo", "a"),
        ("a/b[3]!escalate[0]", "a/b[3]"),
        ("a!undo/b", "a!undo"),
    ],
)
def test_parents_of_steps(id: str, parent: str | None) -> None:
    assert parent_of(id) == parent


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0042, "4 ms"),
        (3.24, "3.2 s"),
        (75, "1 min 15 s"),
        (7260, "2 h 1 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


def test_the_whole_run_is_in_json() -> None:
    value = run_json(RunDetails(RUN, history(elements(100, (7,)))))
    assert value["progress"] == {"total": 10, "done": 7, "failed": 1}
    assert len(value["steps"]) == 101
    assert value["steps"]["fan[7]"]["error"] == "no host 7"


def test_a_list_and_a_status_take_what_the_state_counts() -> None:
    assert runs_text([RUN], T + timedelta(minutes=90)).splitlines() == [
        "RUN                         STATUS   STEPS     AGE  TARGET",
        "01kajz3w4bk3s2m9d5c8h7q6fx  waiting  7/10 (1)  1 h  Workflow/release",
    ]
    assert run_status_text(RUN) == "waiting  7/10 steps, 1 failed  Workflow/release in local"
    assert runs_text([], T) == "no runs yet"


def test_a_list_fits_a_terminal_and_names_environments_where_there_are_several() -> None:
    long = replace(
        RUN,
        environment="production",
        target="Workflow/database",
        status=RunStatus.INTERRUPTED,
    )
    lines = runs_text([RUN, long], T + timedelta(days=100)).splitlines()
    assert lines[0].split() == ["RUN", "STATUS", "STEPS", "AGE", "ENV", "TARGET"]
    assert "100 d  production  Workflow/database" in lines[2]
    assert all(len(line) <= 80 for line in runs_text([long], T + timedelta(days=100)).splitlines())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (7199, "1 h"), (172_800, "2 d")],
)
def test_ages(seconds: float, text: str) -> None:
    assert age(timedelta(seconds=seconds)) == text


def test_what_somebody_else_executes_is_said() -> None:
    holder = Holder(7, "bea", "apply", "2026-11-21T09:00:00+00:00")
    text = gone_on_text(GoneOn(Told(RUN, holder), None))
    assert "bea (pid 7, apply, since 2026-11-21T09:00:00+00:00) has the state" in text
    assert "`chimera run --due --env local`" in text


def test_what_was_due_is_told_run_by_run() -> None:
    held = waits([event("WAIT", "ok", data={"signal": "go"}), event("WAIT", "later", due=T)])
    waiting = Continued(RUN, RunResult(RUN.uid, RunStatus.WAITING, {}), waits=held)
    refused = Continued(RUN, None, "frozen until noon", "wait until then")
    result = Result(DueReport((waiting, refused)), refused.outcome)
    assert due_text(result).splitlines() == [
        f"waiting run {RUN.uid} of Workflow/release",
        "    it goes on when what it waits for has come: `chimera run --due`",
        "    ok waits for the signal go; send it with",
        f"        `chimera runs signal {RUN.uid} go`",
        "    later waits until 2026-11-21T09:00:00+00:00",
        f"refused run {RUN.uid} of Workflow/release: frozen until noon",
        "    wait until then",
    ]
    assert due_text(Result(DueReport(()), waiting.outcome)) == "nothing is due"


def test_colour_changes_no_column() -> None:
    details = RunDetails(RUN, history(elements(3, (1,))))
    brush = Brush(lambda text, style: f"<{style}>{text}</>")
    coloured = brush.finish(run_text(details, brush))
    assert "<bad>failed</>" in coloured
    for style in ("bold", "good", "bad", "warn", "dim"):
        coloured = coloured.replace(f"<{style}>", "")
    assert coloured.replace("</>", "") == run_text(details)
