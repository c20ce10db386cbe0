"""`chimera --help` beside importing click: what it costs to say hello.

    python -m tests.benchmarks.bench_help

Aim: 1.5 times the import of click, plus 60 ms.
"""

from __future__ import annotations

import sys

from tests.benchmarks.timing import CHIMERA, ROOT, medians

ROUNDS = 15


def run() -> None:
    """Print both, and what is left of the aim."""
    took = medians(
        {
            "chimera --help": (*CHIMERA, "--help"),
            "import click": (sys.executable, "-c", "import click"),
            "pass": (sys.executable, "-c", "pass"),
        },
        ROOT,
        ROUNDS,
    )
    for name, median in took.items():
        print(f"{name:16} {median * 1000:7.1f} ms")
    aim = 1.5 * took["import click"] + 0.060
    print(f"ratio {took['chimera --help'] / took['import click']:.2f}; aim {aim * 1000:.1f} ms")


if __name__ == "__main__":
    run()
