"""An approval is spent with what it let through, or not at all, whenever the process is killed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from chimera.state import read_state

KILLS = int(os.environ.get("CHIMERA_CRASHES", "3")) * 2
ROOT = Path(__file__).parents[2]


def kill_while_spending(folder: Path, moment: float) -> None:
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("spending.py")), str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(moment)
    child.kill()
    child.communicate(timeout=60)


def test_a_kill_leaves_the_target_and_its_approval_or_neither(tmp_path: Path) -> None:
    moments, kept = random.Random(20261121), 0
    for _ in range(KILLS):
        kill_while_spending(tmp_path, moments.uniform(0.01, 0.15))
        with read_state(tmp_path) as state:
            applied = set(state.applied("production"))
            spent = dict(state.spent("production"))
        assert len(applied) > kept, "nothing was applied before the kill"
        kept = len(applied)
        for target in applied:
            assert spent[f"sha256:{target.removeprefix('Thing/')}"] == target
        for digest, target in spent.items():
            number = int(target.removeprefix("Thing/"))
            was_removed = f"sha256:again-{number}" in spent
            is_back = f"sha256:last-{number}" in spent
            assert (target in applied) is (not was_removed or is_back), digest
