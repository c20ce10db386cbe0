"""What the core says of a period: counted by the database, and what lies outside is left out."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.reporting.periods import Asked
from chimera.documents import dump
from chimera.model import Address, ChimeraError, digest_bytes, digest_json
from chimera.model.chart import BarChart, Chart
from chimera.proof.evidence.store import STATEMENT_TYPE, EvidenceStore
from chimera.state import StateReader, read_state
from chimera.state.periods import Span, latencies, under_way
from tests.builtin.reporting.conftest import Make, figure, section, table
from tests.builtin.reporting.journal import NOON, Journal

START, END = datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def value(report: Any, id: str) -> Any:
    return figure(report, id).value


def test_a_run_belongs_to_the_time_in_which_it_began(journal: Journal, make: Make) -> None:
    for at in (START - TICK, START, END - TICK, END):
        journal.run(at)
    assert value(make(asked=Asked("2026-W47"), clock=END + timedelta(days=1)), "runs") == 2


def test_runs_are_counted_by_how_they_stand(journal: Journal, make: Make) -> None:
    for status in ("succeeded", "succeeded", "failed", "interrupted", "waiting", "cancelled"):
        journal.run(status=status)
    report = make()
    assert value(report, "runs-failed") == 2
    assert value(report, "runs-going") == 1
    assert value(report, "runs-success") == pytest.approx(2 / 5)
    assert list(table(report, "runs-by-target").rows) == [("local", "Workflow/tidy", 6, 2, 2, 2)]
    (chart,) = section(report, "runs").charts
    assert isinstance(chart, BarChart)
    assert [sum(column) for column in zip(*(v for _, v in chart.bars), strict=True)] == [2, 2, 2]


def test_percentiles_are_durations_that_a_run_had(journal: Journal) -> None:
    source = random.Random(3)
    seconds = [round(source.expovariate(0.1), 3) for _ in range(137)]
    journal.runs([(NOON, "succeeded", each, "Workflow/tidy", "local") for each in seconds])
    with read_state(journal.root) as state:
        (found,) = latencies(state, Span(["local"], START, END))
    ranked = sorted(seconds)
    assert found.ended == 137
    assert found.median == pytest.approx(ranked[69 - 1], abs=1e-5)
    assert found.p95 == pytest.approx(ranked[131 - 1], abs=1e-5)
    assert found.longest == pytest.approx(ranked[-1], abs=1e-5)


def test_time_under_way_is_cut_at_the_edges_of_parts(journal: Journal) -> None:
    source = random.Random(4)
    span = Span(["local"], START, START + timedelta(hours=6))
    parts = [(START + timedelta(hours=n), START + timedelta(hours=n + 1)) for n in range(6)]
    rows = [
        (START + timedelta(hours=source.uniform(-2, 7)), source.uniform(0, 9000)) for _ in range(60)
    ]
    journal.runs([(at, "succeeded", seconds, "Workflow/a", "local") for at, seconds in rows])
    naive = [
        sum(
            max(0.0, (min(at + timedelta(seconds=s), end) - max(at, start)).total_seconds())
            for at, s in rows
        )
        for start, end in parts
    ]
    with read_state(journal.root) as state:
        assert under_way(state, span, parts) == pytest.approx(naive, abs=1e-3)


def test_failed_steps_count_when_they_failed_and_by_layer(
    journal: Journal, make: Make, tmp_path: Path
) -> None:
    low = {"id": "low", "name": "Low", "status": "active", "purpose": "p"}
    layers = [{**low, "admits": {"paths": ["specs/w.yaml"]}}]
    write(tmp_path / "specs/c.yaml", "LayerContract/house", {"purpose": "p", "layers": layers})
    write(tmp_path / "specs/w.yaml", "Workflow/tidy", {"trigger": "human", "stages": [STAGE]})
    early, late = journal.run(START - timedelta(days=1)), journal.run(target="Workflow/gone")
    journal.event(early, step="main/each[7]", at=START)
    journal.event(early, step="main/each[8]", at=END - TICK)
    journal.event(early, at=END)
    journal.event(late, kind="RETRY")
    journal.event(late, kind="ESCALATE")
    report = make(asked=Asked("2026-W47"), clock=END + timedelta(days=1))
    assert value(report, "steps-failed") == 3
    assert value(report, "steps-retried") == 1
    rows = {row[0]: row[1:] for row in table(report, "errors-by-layer").rows}
    assert rows == {"house/low": (0, 2, 0), "no layer": (1, 1, 1)}
    steps = [row[1:5] for row in table(report, "errors-by-step").rows]
    assert steps == [("Workflow/tidy", "main/each", 2, 0), ("Workflow/gone", "main/build", 1, 1)]


STAGE = {"id": "say", "operation": "command", "inputs": {"argv": ["true"]}}


def write(path: Path, address: str, spec: dict[str, Any]) -> None:
    kind, _, name = address.partition("/")
    path.parent.mkdir(exist_ok=True)
    document = {"apiVersion": "chimera/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    path.write_text(dump(document))


def test_rulings_are_counted_and_what_spoke_against_them_is_told(
    journal: Journal, make: Make
) -> None:
    journal.ruling(START)
    journal.ruling(END)
    for minutes in (1, 2):
        at = NOON + timedelta(minutes=minutes)
        journal.ruling(at, against=[("freeze", "Freeze/winter", "Workflow/tidy", "it is winter")])
    journal.ruling(NOON, raw="what is this")
    journal.spent()
    report = make(asked=Asked("2026-W47"), clock=END + timedelta(days=1))
    assert value(report, "rulings") == 4
    assert value(report, "rulings-refused") == 3
    assert value(report, "approvals-spent") == 1
    assert [row[3] for row in table(report, "spent").rows] == ["Approval/carla"]
    assert list(table(report, "stopped").rows) == [("Freeze/winter", "Workflow/tidy", 2)]
    told = [row[5] for row in table(report, "refusals").rows]
    assert told == ["Freeze/winter: it is winter", "Freeze/winter: it is winter", "damaged"]


@pytest.mark.parametrize(
    "raw",
    [
        "[]",
        "{",
        '{"outcome": "failed", "stages": "x", "items": 7}',
        '{"outcome": "failed", "stages": [{"stage": "a"}, 3, {"verdicts": [7]}], "items": []}',
        "@../../../etc/passwd",
        f"@sha256:{'0' * 64}",
    ],
)
def test_a_ruling_that_was_edited_is_damaged_and_takes_nothing_with_it(
    journal: Journal, make: Make, raw: str
) -> None:
    journal.ruling(raw=raw)
    journal.ruling(NOON + timedelta(minutes=1), against=[("proof", "Proof/p", "s", "no")])
    report = make()
    assert value(report, "rulings-refused") == 2
    assert list(table(report, "objections").rows) == [("proof", "Proof/p", "s", 1)]
    assert [row[5] for row in table(report, "refusals").rows] == ["Proof/p: no", "damaged"]


def test_runs_that_guards_stopped_are_told_with_what_broke(journal: Journal, make: Make) -> None:
    run = journal.run()
    broken = {"guard": "Guard/g", "invariant": "paid", "step": "main/pay", "error": "pay first"}
    journal.event(run, kind="HALT", step="", data=broken)
    switch = {"guard": "Guard/stop", "kind": "machine", "reason": "fire", "error": "long"}
    journal.event(run, kind="HALT", step="", at=NOON + timedelta(minutes=1), data=switch)
    journal.event(run, kind="HALT", step="", at=END, data=switch)
    report = make()
    assert value(report, "runs-stopped") == 2
    assert [row[4:] for row in table(report, "halts").rows] == [
        ("Guard/stop", None, "fire"),
        ("Guard/g paid", "main/pay", "pay first"),
    ]


def test_a_ruling_in_a_file_of_its_own_counts_as_any_other(journal: Journal, make: Make) -> None:
    verdict = {"judge": "Proof/p", "subject": "s", "finding": "fail", "reasons": []}
    stages = [{"stage": "proof", "verdicts": [verdict]}]
    value_of = {"outcome": "failed", "items": [], "stages": stages}
    data = json.dumps(value_of).encode()
    digest = digest_bytes(data)
    folder = journal.root / ".chimera/objects" / digest[7:9]
    folder.mkdir(parents=True)
    (folder / digest[9:]).write_bytes(data)
    journal.ruling(raw=f"@{digest}")
    journal.ruling(NOON + timedelta(minutes=1))
    report = make()
    assert (value(report, "rulings"), value(report, "rulings-refused")) == (2, 1)
    assert list(table(report, "objections").rows) == [("proof", "Proof/p", "s", 1)]
    assert [row[5] for row in table(report, "refusals").rows] == ["Proof/p: it was not exercised"]


def test_provings_count_once_from_statements_and_records(
    journal: Journal, make: Make, tmp_path: Path
) -> None:
    store = EvidenceStore.below(tmp_path)
    digests = [store.put(Address("Proof", "p"), digest_json(n), statement(n)) for n in range(3)]
    (tmp_path / ".chimera/evidence" / f"{'0' * 64}.json").write_text("{}")
    spec = {
        "proof": "Proof/p",
        "verdict": "pass",
        "evidence": digests[0],
        "subjects": [],
        "environment": "local",
        "at": "2026-11-18T12:00:00.000000Z",
        "engine": digests[0],
    }
    steps = [{"run": "command", "argv": ["true"]}]
    controls = [{"mutate": "delete", "path": "a"}]
    inputs = ["a"]
    proof = {"claim": "c", "phase": "merge", "inputs": inputs, "steps": steps, "controls": controls}
    write(tmp_path / "proofs/p.yaml", "Proof/p", proof)
    write(tmp_path / "changelog/r.yaml", "ReleaseProof/r", spec)
    write(tmp_path / "changelog/s.yaml", "ReleaseProof/s", {**spec, "evidence": digest_json("s")})
    report = make()
    assert value(report, "provings") == 3, "two statements of the week, and a record from elsewhere"
    assert value(report, "provings-failed") == 1
    assert section(report, "proofs").notes == ("1 statement of the store cannot be read",)


def statement(number: int) -> dict[str, Any]:
    """Return what passed, what failed, and what was of another week."""
    at = ["2026-11-18T12:00:00.000000Z", "2026-11-16T00:00:00.000000Z", "2026-11-15T23:59:59.9Z"]
    return {
        "_type": STATEMENT_TYPE,
        "predicate": {
            "proof": "Proof/p",
            "finding": "fail" if number == 1 else "pass",
            "volatile": {"at": at[number], "environment": "local"},
        },
    }


def test_a_quiet_time_is_said_to_be_quiet(journal: Journal, make: Make) -> None:
    report = make()
    assert section(report, "runs").summary == "No run began in this time."
    assert section(report, "approvals").summary == "No plan came to a gate."
    assert section(report, "proofs").summary == "Nothing was proven in this time."


def test_growth_is_told_by_full_days_and_needs_five(journal: Journal, make: Make) -> None:
    journal.runs(
        [
            (START + timedelta(days=day, minutes=n), "succeeded", 1, "Workflow/a", "local")
            for day in range(6)
            for n in range(10 + day)
        ]
    )
    few = make("capacity", Asked(start="2026-11-16"), clock=START + timedelta(days=3))
    assert figure(few, "runs-growth").value is None
    assert "not enough measurements" in figure(few, "runs-growth").note
    report = make("capacity", Asked(start="2026-11-16"), clock=START + timedelta(days=6))
    found = figure(report, "runs-growth")
    assert found.value == 12.5
    assert "1 more each day" in found.note
    assert "rising" in found.note


def test_a_disk_is_exhausted_when_its_trend_says_so(journal: Journal, make: Make) -> None:
    for day in range(20):
        journal.look(START - timedelta(days=20 - day), disk=0.4 + 0.02 * day)
    report = make("capacity", clock=START)
    found = figure(report, "disk-exhausted")
    assert found.value == "2026-11-26"
    assert found.note == "give or take a day at 95 %, if it goes on so"
    charts = {chart.title: chart for chart in section(report, "capacity").charts}
    chart = charts["Disk in use"]
    assert isinstance(chart, Chart)
    assert len(chart.lines) == 2


def test_an_uncertain_trend_says_between_which_days(journal: Journal, make: Make) -> None:
    source = random.Random(5)
    for day in range(20):
        noise = source.gauss(0, 0.03)
        journal.look(START - timedelta(days=20 - day), disk=0.4 + 0.01 * day + noise)
    found = figure(make("capacity", clock=START), "disk-exhausted")
    days = re.fullmatch(r"between ([\d-]+) and ([\d-]+) at 95 %, if it goes on so", found.note)
    assert days is not None
    assert days[1] < str(found.value) < days[2]


def test_a_report_reads_no_more_rows_of_a_longer_journal(
    journal: Journal, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    rows_of = StateReader._rows

    def counted(self: StateReader, query: str, *parameters: Any) -> Any:
        rows = list(rows_of(self, query, *parameters))
        read.append(len(rows))
        return iter(rows)

    monkeypatch.setattr(StateReader, "_rows", counted)
    hours = [START + timedelta(hours=n) for n in range(48)]

    def rows_read() -> int:
        read.clear()
        make("weekly")
        return sum(read)

    for _ in range(2):
        first = journal.runs([(at, "failed", 5, "Workflow/a", "local") for at in hours * 5]) - 239
        journal.events([(first + n, "FAIL", "main/s", hours[n % 48], None) for n in range(240)])
    few = rows_read()
    journal.runs([(at, "failed", 5, "Workflow/a", "local") for at in hours * 200])
    journal.events([(1 + n % 240, "FAIL", "main/s", hours[n % 48], None) for n in range(9600)])
    assert rows_read() == few


def test_an_environment_that_nobody_knows_is_refused(journal: Journal, make: Make) -> None:
    journal.run(environment="production")
    assert make().environments == ("production",)
    assert value(make(environment="production"), "runs") == 1
    with pytest.raises(ChimeraError, match="no environment 'prodction'"):
        make(environment="prodction")
