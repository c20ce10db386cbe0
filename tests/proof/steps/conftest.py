"""One step by itself, in a folder that stands for the export: quicker than a whole proving."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chimera.context import Context, pinned_environment
from chimera.kinds import Model
from chimera.model import Address
from chimera.proof import StepOutcome, StepTask
from chimera.proof.running.conditions import Conditions
from chimera.proof.steps.task import Allowance

RunOne = Callable[..., StepOutcome]


@pytest.fixture
def run_one(tmp_path: Path) -> RunOne:
    """Return a function that runs a step over files, by what runs it; each call starts afresh."""
    count = 0

    def run_one(
        run: Callable[[StepTask], StepOutcome], step: Model, files: dict[str, str], **variables: Any
    ) -> StepOutcome:
        nonlocal count
        count += 1
        folder = tmp_path / f"run-{count}"
        home, tmp, scratch, tree = (folder / n for n in ("home", "tmp", "scratch", "tree"))
        for made in (home, tmp, scratch, tree):
            made.mkdir(parents=True)
        for path, text in files.items():
            target = tree / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        pinned = Conditions.of_repetition(1, shuffle=False).variables(scratch)
        environment = pinned_environment(source_date_epoch=0, home=home, tmp=tmp, **pinned)
        task = StepTask(
            step=step,
            proof=Address("Proof", "p"),
            folder=tree,
            scratch=scratch,
            environment={**environment, "PYTHONPATH": str(tree), **variables},
            context=Context.system(),
            repetition=1,
            allowance=Allowance(60),
        )
        return run(task)

    return run_one
