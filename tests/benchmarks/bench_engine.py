"""The durable engine beside asyncio without a journal, and what it takes of time and memory.

    python tests/benchmarks/bench_engine.py [million]

Each figure of the first table is the median of interleaved rounds, so that a noisy machine is noisy
for both: trust the ratios. With `million` the cost of a million stages is shown beside that of
fewer. Not a test: it asserts nothing about time.
"""

import asyncio
import itertools
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from chimera.context import Context
from chimera.runtime import Engine, Expansion, Graph, Recovery, Retry, RunSettings, RunStatus, Step
from chimera.state import Event, EventKind, open_state, read_state

ROUNDS = 3
WORKFLOWS, STAGES = 1_000, 5


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
    "chain 1,000, inline": lambda: chain(
        1_000, work=nothing_blocking, executor="inline", effects=False
    ),
    "fan-out 10,000, effects": lambda: fan(10_000),
    "fan-out 10,000, pure": lambda: fan(10_000, effects=False),
    "fan-out 10,000, inline": lambda: fan(
        10_000, work=nothing_blocking, executor="inline", effects=False
    ),
    "fan-out 2,000, threads": lambda: fan(2_000, work=nothing_blocking),
}


@contextmanager
def opened():
    """Give a new state in a temporary folder, with its context and its root."""
    context = Context.system()
    with (
        tempfile.TemporaryDirectory() as root,
        open_state(Path(root), context, command="bench") as state,
    ):
        yield state, context, Path(root)


def run_engine(steps):
    """Return the seconds that the engine takes for `steps`, START and DONE of each on disk."""
    with opened() as (state, context, _):
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
        elif step.executor == "inline":
            nothing_blocking(None)
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


def show_rates():
    """Print steps a second, beside those of asyncio."""
    print(f"{'':26}{'engine':>12}{'asyncio':>12}{'ratio':>8}   steps/s")
    for name, make in CASES.items():
        engine, plain = [], []
        for _ in range(ROUNDS):
            steps = make()
            engine.append(run_engine(steps))
            plain.append(run_asyncio(steps))
        rates = [len(steps) / statistics.median(times) for times in (engine, plain)]
        print(f"{name:26}{rates[0]:12,.0f}{rates[1]:12,.0f}{rates[1] / rates[0]:7.1f}x")


def show_workflows():
    """Print how long each of many small runs takes, from when it is begun to when it is on disk."""
    with opened() as (state, context, _):
        begun, latencies = {}, []

        def runs():
            for n in range(WORKFLOWS):
                run = state.create_run("local", f"Workflow/{n}", None, None)
                begun[run.uid] = time.perf_counter()
                yield run, lambda: Graph(None, chain(STAGES))

        start = time.perf_counter()
        latencies.extend(
            time.perf_counter() - begun.pop(result.run)
            for result in Engine(state, context).execute_all(runs())
        )
        seconds = time.perf_counter() - start
    p50, p95 = (statistics.quantiles(latencies, n=20)[at] * 1e3 for at in (9, 18))
    rate = WORKFLOWS * STAGES / seconds
    print(f"{WORKFLOWS:,} workflows of {STAGES} stages: {rate:,.0f} stages/s, {p50:.1f} ms each")
    print(f"    p95 {p95:.1f} ms")


def show_overhead():
    """Print what the engine adds to stages of 5 ms."""

    async def wait(call):
        await asyncio.sleep(0.005)

    steps = [Step(str(n), wait) for n in range(2_000)]

    async def plain():
        room = asyncio.Semaphore(20)

        async def one():
            async with room:
                await asyncio.sleep(0.005)

        await asyncio.gather(*(one() for _ in steps))

    pairs = []
    for _ in range(ROUNDS):
        with opened() as (state, context, _):
            run = state.create_run("local", "Workflow/bench", None, None)
            begun = time.process_time()
            Engine(state, context).execute(run, Graph(None, steps, concurrency=20))
            engine = time.process_time() - begun
        begun = time.process_time()
        asyncio.run(plain())
        pairs.append((engine - (time.process_time() - begun)) / (len(steps) * 0.005))
    print(f"coordination of stages of 5 ms: {statistics.median(pairs):.2%} of their time")


def show_recovery():
    """Print how long it takes until many interrupted runs have ended, and as many new ones."""
    with opened() as (state, context, _):
        now, uids = context.clock.now(), []
        with state.transaction():
            for n in range(WORKFLOWS):
                run = state.create_run("local", f"Workflow/{n}", None, None)
                events = [
                    Event(EventKind.START, "0", 1, now, {"key": ""}),
                    Event(EventKind.DONE, "0", 1, now),
                    Event(EventKind.START, "1", 1, now, {"key": ""}),
                ]
                state.record(run.uid, events)
                uids.append(run)
        begun = time.perf_counter()
        runs = ((run, lambda: Graph(None, chain(STAGES))) for run in uids)
        ended = sum(1 for _ in Engine(state, context).execute_all(runs))
        seconds = time.perf_counter() - begun
        print(f"{ended:,} interrupted runs taken up and ended: {seconds:.2f} s")


def show_status():
    """Print how long it takes another process to read how far a run of 10,000 stages is."""
    with opened() as (state, context, root):
        times = []

        def look(call):
            with read_state(root) as reader:
                for _ in range(50):
                    begun = time.perf_counter()
                    run = reader.run(call.run)
                    times.append(time.perf_counter() - begun)
                assert run.total == 10_001

        run = state.create_run("local", "Workflow/bench", None, None)
        steps = [*fan(10_000), Step("look", look)]
        Engine(state, context).execute(run, Graph(None, steps, concurrency=100))
        print(f"a status query while the run goes on: {statistics.median(times) * 1e6:.0f} µs")


def show_retry():
    """Print how long after a failure the next attempt begins, where nothing is waited for."""
    with opened() as (state, context, _):
        failed, gaps = {}, []

        async def work(call):
            if call.attempt == 1:
                failed[call.key] = time.perf_counter()
                raise RuntimeError("not yet")
            gaps.append(time.perf_counter() - failed[call.key])

        recovery = Recovery(Retry(2, timedelta(), timedelta()))
        steps = [Step(str(n), work, recovery=recovery) for n in range(200)]
        run = state.create_run("local", "Workflow/bench", None, None)
        Engine(state, context).execute(run, Graph(None, steps, concurrency=8))
        p95 = statistics.quantiles(gaps, n=20)[18]
        print(f"from a failure to the next attempt: p95 {p95 * 1e3:.1f} ms")


def fan_of_elements(count):
    """Run one step for each of `count` elements, then print the rate and the peak of memory."""
    with opened() as (state, context, _):
        expand = lambda inputs: Expansion(  # noqa: E731
            count=count, make=lambda n: Step(str(n), nothing), collect=lambda outputs: None
        )
        run = state.create_run("local", "Workflow/bench", None, None)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun = time.perf_counter()
        result = Engine(state, context).execute(
            run, Graph(None, [Step("fan", expand=expand)], concurrency=1_000)
        )
        seconds = time.perf_counter() - begun
        assert result.status is RunStatus.SUCCEEDED
    _show_cost(f"{count:,} elements of one run", count, seconds, before)


def many_workflows(count):
    """Run `count` workflows, then print the rate and the peak of memory."""
    with opened() as (state, context, _):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        runs = (
            (state.create_run("local", f"Workflow/{n}", None, None), lambda: GRAPH)
            for n in range(count)
        )
        begun = time.perf_counter()
        for result in Engine(state, context, settings=RunSettings()).execute_all(runs):
            assert result.status is RunStatus.SUCCEEDED
        seconds = time.perf_counter() - begun
    _show_cost(f"{count:,} workflows of {STAGES}", count * STAGES, seconds, before)


GRAPH = Graph(None, chain(STAGES, effects=False))


def _show_cost(name, stages, seconds, before):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    per_stage = seconds / stages * 1e6
    print(
        f"{name:34}{stages / seconds:10,.0f} stages/s {per_stage:6.1f} µs each"
        f"   peak {peak / 1024:.0f} MiB, {(peak - before) / 1024:.0f} more than before",
        flush=True,
    )


def show_growth(sizes):
    """Print the cost of a stage as there are more of them, each in a process of its own."""
    for kind, size in itertools.product(("fan_of_elements", "many_workflows"), sizes):
        count = size if kind == "fan_of_elements" else size // STAGES
        subprocess.run([sys.executable, __file__, kind, str(count)], check=True)


def main():
    """Show everything, or one case of memory that was asked for."""
    match sys.argv[1:]:
        case ["fan_of_elements", count]:
            fan_of_elements(int(count))
        case ["many_workflows", count]:
            many_workflows(int(count))
        case asked:
            show_rates()
            show_workflows()
            show_overhead()
            show_recovery()
            show_status()
            show_retry()
            show_growth((10_000, 100_000, *([1_000_000] if "million" in asked else [])))


if __name__ == "__main__":
    main()
