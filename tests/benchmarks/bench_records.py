"""`chimera check` on a history of records: incidents with all that followed them, and entries.

    python -m tests.benchmarks.bench_records

Of ten records one is an incident, three are its freeze, rollback and postmortem, and six are
entries of the changelog; everything refers to everything else of its incident, and nothing is
wrong. *Cold* is with an empty cache, *warm* with the one that the run before left: rules that ask
for the time are asked again in every run. *Wrong* is the same history judged ten years later, when
every action item is overdue and no entry is archived.

Aim: 2 s for 10,000 records, cold.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.bench_check import SETTLED
from tests.benchmarks.records import NOW, write_history
from tests.benchmarks.timing import CHIMERA, ROOT, Cost, cost

SIZES = (1_000, 5_000, 10_000, 20_000)
ROUNDS = 5
AIM = 2.0


def ours(root: Path, cache: Path) -> Iterator[tuple[str, Cost]]:
    """Yield what a check takes with no cache, with its own, and of what is wrong everywhere."""
    kept = {"CHIMERA_CACHE": str(cache)}
    check = (*CHIMERA, "check", str(root), "--now")
    shutil.rmtree(cache, ignore_errors=True)
    yield "cold", cost((*check, NOW.isoformat()), ROOT, kept)
    yield "warm", cost((*check, NOW.isoformat()), ROOT, kept)
    yield "wrong", cost((*check, "2036-11-21"), ROOT, kept)


def run(sizes: Sequence[int], rounds: int) -> None:
    """Print a line for each size: medians of the rounds."""
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            root = Path(folder, str(size))
            write_history(root, size)
            time.sleep(SETTLED)
            found: dict[str, list[Cost]] = {}
            for _ in range(rounds):
                for name, took in ours(root, Path(folder, "cache")):
                    found.setdefault(name, []).append(took)
            for name, costs in found.items():
                seconds = statistics.median(took.seconds for took in costs)
                cpu = statistics.median(took.cpu for took in costs)
                peak = max(took.peak for took in costs) / 2**20
                aim = f"  aim {AIM} s" if (size, name) == (10_000, "cold") else ""
                print(
                    f"{size:7,} records, {name:5} {seconds:6.2f} s {cpu:6.2f} s of CPU"
                    f" {peak:5.0f} MiB  {seconds / size * 1e6:5.0f} µs each{aim}",
                    flush=True,
                )
            shutil.rmtree(root)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    run(given.sizes, given.rounds)
