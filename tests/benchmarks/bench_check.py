"""`chimera check` on generated documents, cold and warm, beside programs that check YAML.

    python -m tests.benchmarks.bench_check [--plot FILE]

The peers are `check-jsonschema` (named by `CHECK_JSONSCHEMA`, or on PATH), `yamllint` (`YAMLLINT`,
or on PATH) and a script of PyYAML and jsonschema (`peer_script.py`). They are given the schemas
that Chimera exports, in the way that suits each best; none of them checks references, layers,
policies or workflows. What is not there is not measured. *Cold* is with an empty cache, *warm* with
the one that the run before left, *edited* the same after an edit of one document.

Aims: 30 times check-jsonschema on 5,000 documents, cold; 300 ms for one edited document in 50,000;
400 MiB at 50,000 documents.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.benchmarks.documents import write_repository
from tests.benchmarks.plot import svg
from tests.benchmarks.timing import CHIMERA, ROOT, Cost, cost, seconds

SIZES = (500, 1_250, 5_000, 50_000)
MOST_FOR_PEERS, ROUNDS = 5_000, 3
SETTLED = 2.5
"""Seconds after which what the file system says of a file is believed."""


def ours(root: Path, cache: Path) -> Iterator[tuple[str, Cost]]:
    """Yield what a check takes with no cache, with its own, and after an edit."""
    check, kept = (*CHIMERA, "check", str(root)), {"CHIMERA_CACHE": str(cache)}
    shutil.rmtree(cache, ignore_errors=True)
    yield "chimera, cold", cost(check, ROOT, kept)
    yield "chimera, warm", cost(check, ROOT, kept)
    edited = root / "specs" / "role" / "0" / "2.yaml"
    edited.write_text(edited.read_text() + "# edited\n", encoding="utf-8")
    yield "chimera, one edited", cost(check, ROOT, kept)


def peers(
    root: Path, paths: Mapping[str, Sequence[Path]], schemas: Path
) -> Iterator[tuple[str, Cost]]:
    """Yield what the others take."""
    every = [str(path) for files in paths.values() for path in files]
    script = str(ROOT / "tests" / "benchmarks" / "peer_script.py")
    yield "PyYAML + jsonschema", cost((sys.executable, script, str(schemas), str(root)), root)
    if lint := os.environ.get("YAMLLINT") or shutil.which("yamllint"):
        yield "yamllint", cost((lint, "-d", "relaxed", str(root)), root)
    if peer := os.environ.get("CHECK_JSONSCHEMA") or shutil.which("check-jsonschema"):
        at_once = (peer, "--schemafile", str(schemas / "chimera.json"), *every)
        yield "check-jsonschema", cost(at_once, root)


def measured(folder: Path, size: int) -> dict[str, Cost]:
    """Measure everything on one size: ours before and after the peers, the best of each."""
    root, schemas = folder / str(size), folder / "schemas"
    paths = write_repository(root, size)
    seconds((*CHIMERA, "-C", str(root), "schema", "export", "--to", str(schemas)), ROOT)
    time.sleep(SETTLED)
    rounds = 1 if size > MOST_FOR_PEERS else ROUNDS
    found: dict[str, list[Cost]] = {}
    for number in range(rounds):
        for name, took in ours(root, folder / "cache"):
            found.setdefault(name, []).append(took)
        if number == 0 and size <= MOST_FOR_PEERS:
            found |= {name: [took] for name, took in peers(root, paths, schemas)}
        time.sleep(SETTLED)
    shutil.rmtree(root)
    return {name: min(costs, key=lambda c: c.seconds) for name, costs in found.items()}


def run(sizes: Sequence[int], plot: Path | None) -> None:
    """Print a line for each program and size, and draw them."""
    series: dict[str, dict[int, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            costs = measured(Path(folder), size)
            cold = costs["chimera, cold"]
            for name, took in costs.items():
                series.setdefault(name, {})[size] = took.cpu
                print(
                    f"{size:7,}  {name:20} {took.seconds:8.2f} s {took.cpu:8.2f} s of CPU "
                    f"{took.peak / 2**20:6.0f} MiB  {took.seconds / cold.seconds:6.2f} x cold "
                    f"({took.cpu / cold.cpu:.2f} x in CPU)",
                    flush=True,
                )
    if plot is not None:
        plot.write_text(svg("Seconds of CPU to check a repository, by its documents", series))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    run(given.sizes, given.plot)
