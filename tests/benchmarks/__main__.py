"""Every benchmark of this folder, each in a process of its own: `python -m tests.benchmarks`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Run them one after another; the exit code says whether each came to its end."""
    failed = []
    for path in sorted(HERE.glob("bench_*.py")):
        print(f"== {path.stem}", flush=True)
        command = [sys.executable, "-m", f"tests.benchmarks.{path.stem}"]
        if subprocess.run(command, cwd=HERE.parents[1], check=False).returncode != 0:
            failed.append(path.stem)
    if failed:
        print(f"not measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
