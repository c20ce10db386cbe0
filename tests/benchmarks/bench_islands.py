"""Islands on one thread and on two, on a quiet machine and beside a process that takes one core.

Run from the root of the repository: `python -m tests.benchmarks.bench_islands`. Two islands of 1000
candidates of 30 genes, in a ring, that meet every 20 generations. Rounds are interleaved, figures
are the least of them: trust the ratios. The champions are compared: threads must not show.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.builtin.evolution.search.engine import Search

ISLANDS, POPULATION, GENES, EVERY = 2, 1000, 30, 20
BUSY = "while True: pass"


def search_for(function: str, workers: int) -> Search:
    """Return the search of the benchmark."""
    value = {
        "genome": {"genes": [{"name": "x", "min": -5.12, "max": 5.12, "count": GENES}]},
        "fitness": {"function": function},
        "algorithm": "genetic",
        "population": POPULATION,
        "operators": {"mutation": {"type": "gaussian", "rate": 0.1}},
        "islands": {"count": ISLANDS, "every": EVERY},
        "termination": {"generations": 1_000_000},
        "budget": {"workers": workers},
        "seed": 1,
    }
    return Search(EvolutionSpec.model_validate(value))


def measure(function: str, generations: int, rounds: int) -> dict[int, float]:
    """Return the least seconds by number of threads."""
    searches = {workers: search_for(function, workers) for workers in (1, 2)}
    found: dict[int, float] = {}
    champions = set()
    for _ in range(rounds):
        for workers, search in searches.items():
            state = search.start()
            search.advance(state, 0)
            started = time.perf_counter()
            search.advance(state, generations)
            taken = time.perf_counter() - started
            found[workers] = min(taken, found.get(workers, taken))
            champions.add(search.champion(state).digest)
    assert len(champions) == 1, "threads must not show in the champion"
    return found


@contextmanager
def competing() -> Iterator[None]:
    """Keep one core busy with another process."""
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generations", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before")
    for function in ("sphere", "rastrigin"):
        quiet = measure(function, given.generations, given.rounds)
        with competing():
            beside = measure(function, given.generations, given.rounds)
        each = 1e6 / given.generations
        print(
            f"{function}: one thread {quiet[1] * each:.0f} µs a generation of both islands, "
            f"two {quiet[2] * each:.0f}: {quiet[1] / quiet[2]:.2f} x; beside a busy process "
            f"{beside[2] * each:.0f}: {beside[2] / quiet[2]:.2f} x the quiet run"
        )


if __name__ == "__main__":
    main()
