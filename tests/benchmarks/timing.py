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
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Cost:
    """What a command took, with all processes that it waited for; `peak` is the largest's."""

    seconds: float
    cpu: float
    peak: int
    """Bytes."""


def cost(command: Sequence[str], cwd: Path, variables: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end, whatever its exit code, and return what it took."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(variables or {})}
    began = time.perf_counter()
    with subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - began
    return Cost(took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def medians(commands: Mapping[str, Sequence[str]], cwd: Path, rounds: int) -> dict[str, float]:
    """Return the median seconds of each command over interleaved rounds, after one to warm up."""
    for command in commands.values():
        seconds(command, cwd)
    took: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            took[name].append(seconds(command, cwd))
    return {name: statistics.median(times) for name, times in took.items()}
