"""Chimera: no-op stages, START and DONE of each on disk (synchronous=FULL).

The cases of its peers, and `effects`: a chain whose every stage waits until all before it is on
disk.
"""

import sys
import tempfile
import time
from pathlib import Path

from common import STAGES, report

from chimera.context import Context
from chimera.runtime import Engine, Graph, RunStatus, Step
from chimera.state import open_state


async def nothing(call):
    return None


def chained(count, effects):
    return [
        Step(str(n), nothing, (str(n - 1),) if n else (), effects=effects) for n in range(count)
    ]


def graphs(case, count):
    """Return the graphs of one case; in `fan`, as in `many`, stages have effects."""
    match case:
        case "chain":
            return [Graph(None, chained(count, effects=False))]
        case "effects":
            return [Graph(None, chained(count, effects=True))]
        case "fan":
            return [Graph(None, [Step(str(n), nothing) for n in range(count)], concurrency=1_000)]
        case _:
            return [Graph(None, chained(STAGES, effects=True)) for _ in range(count)]


def main(case, count):
    context = Context.system()
    with (
        tempfile.TemporaryDirectory() as root,
        open_state(Path(root), context, command="bench") as state,
    ):
        given = [
            (state.create_run("local", f"Workflow/{n}", None, None), graph)
            for n, graph in enumerate(graphs(case, count))
        ]
        begun = time.perf_counter()
        runs = ((run, lambda graph=graph: graph) for run, graph in given)
        for result in Engine(state, context).execute_all(runs):
            assert result.status is RunStatus.SUCCEEDED
        report(case, count, time.perf_counter() - begun)


main(sys.argv[1], int(sys.argv[2]))
