"""The second `chimera apply` of this repository, which has nothing to do, beside bare processes.

    python -m tests.benchmarks.bench_second_apply

Works on a clone of the last commit, with the code of this tree.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.timing import CHIMERA, ROOT, medians, seconds

ROUNDS = 11


def run() -> None:
    """Print each, and the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        print(f"first apply      {seconds((*CHIMERA, 'apply'), clone):7.1f} s")
        took = medians(
            {
                "second apply": (*CHIMERA, "apply"),
                "chimera check": (*CHIMERA, "check"),
                "git status": ("git", "status", "--porcelain"),
                "python -c pass": (sys.executable, "-c", "pass"),
            },
            clone,
            ROUNDS,
        )
    for name, median in took.items():
        ratio = took["second apply"] / median
        print(f"{name:16} {median * 1000:7.1f} ms   second apply is {ratio:.1f} times it")


if __name__ == "__main__":
    run()
