"""Wall-clock seconds of commands, measured side by side. Refuses to judge them: ratios are printed.

Rounds are interleaved, so that a noisy machine is noisy for everybody, and the median counts.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHIMERA = (sys.executable, "-m", "chimera")


def seconds(command: Sequence[str], cwd: Path, codes: tuple[int, ...] = (0,)) -> float:
    """Run a command and return how long it took; raises where it ends with another exit code."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, check=False)
    took = time.perf_counter() - began
    if done.returncode not in codes:
        said = (done.stdout + done.stderr).decode(errors="replace")[-2000:]
        raise RuntimeError(f"{command} ended with {done.returncode}: {said}")
    return took


def medians(commands: Mapping[str, Sequence[str]], cwd: Path, rounds: int) -> dict[str, float]:
    """Return the median seconds of each command over interleaved rounds, after one to warm up."""
    for command in commands.values():
        seconds(command, cwd)
    took: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            took[name].append(seconds(command, cwd))
    return {name: statistics.median(times) for name, times in took.items()}
