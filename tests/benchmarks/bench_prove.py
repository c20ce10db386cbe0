"""What `chimera prove` costs over running the same commands by hand as often.

    python -m tests.benchmarks.bench_prove [--seconds 60] [--rounds 1]

One proof, whose command computes for about that long and writes as it goes, is run twice and once
under a control that it fails at once. By hand the same three commands are run in the same folder,
the two at a time, with nothing exported, isolated, limited, watched, compared or kept. The work is
fixed and not the time, so that what slows a command down shows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.timing import CHIMERA, Cost, cost

WORK = """\
import hashlib, pathlib, sys

def work(rounds):
    found = b""
    for number in range(rounds):
        found = hashlib.sha256(found + number.to_bytes(8, "big")).digest()
        if number % 200_000 == 0:
            pathlib.Path(f"part-{number % 7}").write_bytes(found)
    return found.hex()

if __name__ == "__main__":
    print(work(int(pathlib.Path("src/rounds").read_text())))
"""


def repository(root: Path, seconds: float) -> None:
    """Write a repository with one proof, whose work takes about `seconds` on this machine."""
    scope: dict[str, object] = {"__name__": "work"}
    exec(WORK, scope)  # our own, to see how fast this machine is
    began = time.process_time()
    scope["work"](1_000_000)  # type: ignore[operator]
    rounds = round(1_000_000 * seconds / (time.process_time() - began))
    proof = {
        "apiVersion": "chimera/v1",
        "kind": "Proof",
        "metadata": {"name": "work"},
        "spec": {
            "claim": "the work is done",
            "covers": {"paths": ["src/**"]},
            "inputs": ["src/**"],
            "steps": [
                {"run": "command", "argv": ["python", "src/work.py"], "expect": {"exitCode": 0}}
            ],
            "controls": [{"mutate": "delete", "path": "src/rounds"}],
            "timeout": "1h",
        },
    }
    for folder in ("src", "proofs"):
        (root / folder).mkdir()
    (root / "src" / "work.py").write_text(WORK)
    (root / "src" / "rounds").write_text(f"{rounds}\n")
    (root / "proofs" / "work.yaml").write_text(json.dumps(proof))


def run(seconds: float, rounds: int) -> None:
    """Print both, and what proving adds."""
    took: dict[str, list[Cost]] = {"by hand": [], "chimera prove": []}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        repository(root, seconds)
        one = f"{sys.executable} src/work.py"
        by_hand = f"{one} & {one} & wait; mv src/rounds src/gone; {one}; mv src/gone src/rounds"
        for _ in range(rounds):
            took["by hand"].append(cost(("sh", "-c", by_hand), root))
            took["chimera prove"].append(cost((*CHIMERA, "prove", "--fresh"), root))
    walls = {name: statistics.median(c.seconds for c in costs) for name, costs in took.items()}
    cpus = {name: statistics.median(c.cpu for c in costs) for name, costs in took.items()}
    for name in took:
        print(f"{name:14} {walls[name]:8.2f} s on the wall {cpus[name]:8.2f} s of CPU")
    for name, found in (("wall", walls), ("CPU", cpus)):
        added = found["chimera prove"] - found["by hand"]
        print(f"proving adds {added:.2f} s ({added / found['by hand']:.1%}) of {name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0, help="how long one repetition takes")
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    run(given.seconds, given.rounds)
