"""Steps a second: the durable engine beside asyncio without a journal, in one run.

    python tests/benchmarks/bench_engine.py

Each figure is the median of interleaved rounds, so that a noisy machine is noisy for both. Trust
the ratios. Not a test: it asserts nothing about time.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from chimera.context import Context
from chimera.runtime import Engine, Graph, RunStatus, Step
from chimera.state import open_state

ROUNDS = 3


async def nothing(call):
    return None


def nothing_blocking(call):
    return None


def chain(count, **options):
    """Return steps that need one another in a row."""
    work = options.pop("work", nothing)
    return [Step(str(n), work, (str(n - 1),) if n else (), **options) for n in range(count)]


def fan(count, **options):
    """Return steps that need nothing."""
    work = options.pop("work", nothing)
    return [Step(str(n), work, **options) for n in range(count)]


CASES = {
    "chain 1,000, effects": lambda: chain(1_000),
    "chain 1,000, pure": lambda: chain(1_000, effects=False),
    "fan-out 10,000, effects": lambda: fan(10_000),
    "fan-out 10,000, pure": lambda: fan(10_000, effects=False),
    "fan-out 2,000, threads": lambda: fan(2_000, work=nothing_blocking),
}


def run_engine(steps):
    """Return the seconds that the engine takes for `steps`, START and DONE of each on disk."""
    context = Context.system()
    with (
        tempfile.TemporaryDirectory() as root,
        open_state(Path(root), context, command="bench") as state,
    ):
        run = state.create_run("local", "Workflow/bench", None, None)
        begun = time.perf_counter()
        result = Engine(state, context).execute(run, Graph(None, steps, concurrency=1_000))
        seconds = time.perf_counter() - begun
        assert result.status is RunStatus.SUCCEEDED
        return seconds


def run_asyncio(steps):
    """Return the seconds that tasks take that wait for one another and are forgotten."""

    async def perform(step, tasks):
        for need in step.needs:
            await tasks[need]
        if step.work is nothing:
            await nothing(None)
        else:
            await asyncio.to_thread(nothing_blocking, None)

    async def perform_all():
        tasks = {}
        for step in steps:
            tasks[step.id] = asyncio.ensure_future(perform(step, tasks))
        await asyncio.gather(*tasks.values())

    begun = time.perf_counter()
    asyncio.run(perform_all())
    return time.perf_counter() - begun


def main():
    """Print one line a case."""
    print(f"{'':26}{'engine':>12}{'asyncio':>12}{'ratio':>8}   steps/s")
    for name, make in CASES.items():
        engine, plain = [], []
        for _ in range(ROUNDS):
            steps = make()
            engine.append(run_engine(steps))
            plain.append(run_asyncio(steps))
        rates = [len(steps) / statistics.median(times) for times in (engine, plain)]
        print(f"{name:26}{rates[0]:12,.0f}{rates[1]:12,.0f}{rates[1] / rates[0]:7.1f}x")


if __name__ == "__main__":
    main()
