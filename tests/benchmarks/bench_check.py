"""`chimera check` on 5,000 generated documents beside `check-jsonschema` on the same files.

    python -m tests.benchmarks.bench_check

The other is given the schemas that Chimera exports, in the way that suits it best (one run a kind,
with the kind's own schema) and in the way that takes one command (one run with `chimera.json`); it
checks neither references nor layers, policies or workflows. `CHECK_JSONSCHEMA` names the program;
without it, what is on PATH counts, and without that Chimera is measured alone. Aim: 20 times.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
from pathlib import Path

from tests.benchmarks.documents import write_repository
from tests.benchmarks.timing import CHIMERA, ROOT, seconds

COUNT, ROUNDS = 5_000, 3
SIZES = (1_250, 2_500)


def run() -> None:
    """Print how the check grows with the documents, and both programs on all of them."""
    peer = os.environ.get("CHECK_JSONSCHEMA") or shutil.which("check-jsonschema")
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            smaller = Path(folder) / str(size)
            write_repository(smaller, size)
            took = min(seconds((*CHIMERA, "check", str(smaller)), ROOT) for _ in range(ROUNDS))
            print(f"{size:,} documents: {took:.2f} s, the best of {ROUNDS}")
        root = Path(folder) / str(COUNT)
        paths = write_repository(root, COUNT)
        schemas = Path(folder) / "schemas"
        seconds((*CHIMERA, "-C", str(root), "schema", "export", "--to", str(schemas)), ROOT)
        check = (*CHIMERA, "check", str(root))
        ours, by_kind, at_once = [seconds(check, ROOT)], 0.0, 0.0
        if peer is None:
            print("check-jsonschema is not here: set CHECK_JSONSCHEMA to its path")
        else:
            by_kind = sum(
                seconds(
                    (peer, "--schemafile", str(schemas / f"{kind}.json"), *map(str, files)), root
                )
                for kind, files in paths.items()
            )
            ours.append(seconds(check, ROOT))
            every = [str(path) for files in paths.values() for path in files]
            at_once = seconds((peer, "--schemafile", str(schemas / "chimera.json"), *every), root)
        ours.append(seconds(check, ROOT))
        median = statistics.median(ours)
        print(f"{COUNT:,} documents: {median:.2f} s, {median / COUNT * 1e6:.0f} µs each")
        for name, took in (("a kind at a time", by_kind), ("all at once", at_once)):
            if took:
                print(f"check-jsonschema, {name}: {took:.1f} s, {took / median:.1f} times as long")


if __name__ == "__main__":
    run()
