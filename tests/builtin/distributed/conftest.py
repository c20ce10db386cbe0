"""What tests of stages on Ray share with those of other executors."""

import sys
from pathlib import Path

import pytest

EXECUTORS = Path(__file__).parents[2] / "runtime" / "executors"


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers import `elsewhere`, which the tests of processes use too."""
    monkeypatch.syspath_prepend(str(EXECUTORS))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
