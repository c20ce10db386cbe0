"""A pytest plugin that writes each test's outcome as a line of JSON.

It is copied beside the exported inputs and loaded by name, so that it works whether or not they
hold an engine. It imports nothing of the engine, and refuses nothing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

VARIABLE = "CHIMERA_PROOF_OUTCOMES"


def pytest_runtest_logfinish(nodeid: str, location: Any) -> None:
    """Write the outcome of a test when all of its phases are over."""
    outcome = _phases.pop(nodeid, None)
    if outcome is not None:
        _write(nodeid, outcome)


def pytest_runtest_logreport(report: Any) -> None:
    """Fold the reports of set-up, call and tear-down into one outcome."""
    outcome = _outcome(report)
    if outcome is not None:
        _phases[report.nodeid] = outcome


def pytest_collectreport(report: Any) -> None:
    """Write a module that could not be collected."""
    if report.failed:
        _write(report.nodeid or "collection", "error")


_phases: dict[str, str] = {}


def _outcome(report: Any) -> str | None:
    """Return what the report makes of the test, `None` where an earlier phase has said it."""
    if report.failed:
        return "failed" if report.when == "call" else "error"
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.skipped:
        return "skipped"
    return "passed" if report.when == "call" else None


def _write(nodeid: str, outcome: str) -> None:
    with Path(os.environ[VARIABLE]).open("a", encoding="utf-8") as file:
        file.write(json.dumps([nodeid, outcome]) + "\n")
