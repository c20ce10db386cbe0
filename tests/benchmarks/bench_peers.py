"""Durable stages a second, beside DBOS, Ray, Dask, Luigi and plain asyncio, in one run.

    PEERS=/path/to/venv/bin/python python -m tests.benchmarks.bench_peers

`PEERS` has dbos, ray, dask[distributed] and luigi; one that is missing is left out. Each figure is
the median of interleaved rounds in fresh processes, counted from when the engine was up. DBOS gets
fewer stages in wide cases: with more it only becomes slower. Trust the ratios. Not a test: it
asserts nothing about time.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.timing import ROOT

SCRIPTS = Path(__file__).parent / "peers"
ROUNDS = 3
COUNTS = {"chain": 1_000, "effects": 1_000, "fan": 10_000, "many": 1_000}
FEWER = {("dbos", "fan"): 1_000, ("dbos", "many"): 200, ("luigi", "fan"): 1_000}
PEERS = ("dbos", "ray", "dask", "luigi", "asyncio")


@dataclass
class Figures:
    """What the rounds of one engine gave for one case."""

    rates: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        if not self.rates:
            return f"{'-':>10}{'-':>7}"
        return f"{self.rate:10,.0f}{max(self.peaks):7,.0f}"

    @property
    def rate(self) -> float:
        """Stages a second, the median."""
        return statistics.median(self.rates)


def measure(engine: str, case: str) -> tuple[float, float] | None:
    """Return stages a second and MiB of one run of one case; `None` where it cannot be run."""
    python = sys.executable if engine == "chimera" else os.environ.get("PEERS", sys.executable)
    case_there = "chain" if case == "effects" and engine != "chimera" else case
    count = FEWER.get((engine, case), COUNTS[case])
    done = subprocess.run(
        [python, SCRIPTS / f"{engine}_stages.py", case_there, str(count)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        print(f"{engine} {case}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    stages, seconds, peak = map(float, done.stdout.split()[-3:])
    return stages / seconds, peak


def main() -> None:
    """Print stages a second and peak MiB of each engine and case, and the ratio to DBOS."""
    engines = ("chimera", *PEERS)
    found = {(engine, case): Figures() for engine in engines for case in COUNTS}
    for _ in range(ROUNDS):
        for (engine, case), figures in found.items():
            measured = measure(engine, case)
            if measured is not None:
                figures.rates.append(measured[0])
                figures.peaks.append(measured[1])
    print(f"{'':9}" + "".join(f"{case + ' /s':>10}{'MiB':>7}" for case in COUNTS))
    for engine in engines:
        print(f"{engine:9}" + "".join(str(found[engine, case]) for case in COUNTS))
    ratios = []
    for case in COUNTS:
        ours, theirs = found["chimera", case], found["dbos", case]
        ratio = f"{ours.rate / theirs.rate:.0f} x" if ours.rates and theirs.rates else "-"
        ratios.append(f"{ratio:>10}{'':7}")
    print(f"{'to DBOS':9}" + "".join(ratios))


if __name__ == "__main__":
    main()
