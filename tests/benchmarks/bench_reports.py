"""A month's report over a long journal: what each part takes, in one process.

    python tests/benchmarks/bench_reports.py [lines of the journal]

Not a test: it asserts nothing about time.
"""

import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from chimera.builtin.reporting.gathering import make_report
from chimera.builtin.reporting.periods import Asked
from chimera.builtin.reporting.rendering.data import report_json
from chimera.builtin.reporting.rendering.html import report_html
from chimera.builtin.reporting.rendering.markdown import report_markdown
from chimera.runtime.reporting import ReportKind
from chimera.workspace import Workspace
from tests.builtin.reporting.journal import Journal

START = datetime(2026, 11, 1, tzinfo=UTC)
KINDS = ("START", "DONE", "START", "FAIL", "RETRY")


def fill(root, lines):
    """Write runs with five lines each, and a ruling for every thirtieth of them."""
    source = random.Random(1)
    journal = Journal(root)
    moments = [START + timedelta(seconds=source.random() * 30 * 86_400) for _ in range(lines // 5)]
    journal.runs([run(source, number, at) for number, at in enumerate(moments)])
    journal.events(
        [
            (n + 1, kind, f"main/s{number}", at + timedelta(seconds=number), None)
            for n, at in enumerate(moments)
            for number, kind in enumerate(KINDS)
        ]
    )
    for at in moments[::30]:
        journal.ruling(at, against=[("approval", "Gate/g", "Workflow/w1", "nobody approved")])


def run(source, number, at):
    """Return when a run began, how it ended, what it took, of what and where it was."""
    status = source.choices(("succeeded", "failed"), (9, 1))[0]
    seconds = source.expovariate(1 / 40)
    return at, status, seconds, f"Workflow/w{number % 40}", ("local", "production")[number % 2]


def timed(name, work):
    """Print what the fastest of three rounds took; return what came of it."""
    rounds = []
    for _ in range(3):
        began = time.perf_counter()
        found = work()
        rounds.append(time.perf_counter() - began)
    print(f"  {name:<28} {min(rounds) * 1000:8.0f} ms")
    return found


def gathered(kind, folder):
    """Return the report of a time in the middle of the month, or of all of it."""
    named = {ReportKind.DAILY: "2026-11-15", ReportKind.WEEKLY: "2026-W46"}.get(kind, "2026-11")
    return make_report(Workspace.open(folder), kind, Asked(named), None, None)


def main():
    """Report on a month of each length."""
    lengths = [int(sys.argv[1])] if len(sys.argv) > 1 else [10_000, 100_000, 1_000_000]
    for lines in lengths:
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder), lines)
            print(f"{lines:,} lines of the journal, {lines // 5:,} runs")
            for kind in ReportKind:
                report = timed(kind.value, lambda kind=kind, folder=folder: gathered(kind, folder))
                if kind is ReportKind.MONTHLY:
                    timed("as a page", lambda report=report: report_html(report))
                    timed("as Markdown", lambda report=report: report_markdown(report))
                    timed("as JSON", lambda report=report: report_json(report))


if __name__ == "__main__":
    main()
