"""A pytest plugin that keeps what became of each test, for the step that started pytest.

It is copied beside the exported inputs and loaded by name, so that it works whether or not they
hold an engine, and imports nothing of it. Each process of pytest writes a file of its own and
closes it with a seal over all of it, so that a file that was edited, cut off or never closed is
noticed. Refuses to vouch for test code: it runs in the same process, and is trusted for what it
asserts.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

FOLDER = "CHIMERA_PROOF_OUTCOMES"
"""Variable that names the folder for the files; the key of the seals lies in it at the start."""
ORDER = "CHIMERA_PROOF_ORDER_SEED"
"""Variable whose value, where it is set, puts the tests into another order."""
KEY = "key"
SEAL = "seal"

_NAME = "chimera-proof-outcomes"
_BAD = ("failed", "error")
_ADVICE = ("Enable tracemalloc", "See https://")  # what pytest ends such warnings with
_given = pytest.StashKey[tuple[str, str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Take folder and key away before any test code can see them."""
    folder = os.environ.pop(FOLDER, None)
    if folder is not None:  # not in a worker of xdist, which is given both when it is configured
        key = Path(folder, KEY)
        early_config.stash[_given] = (folder, key.read_text("ascii"))
        key.unlink()


def pytest_configure(config: pytest.Config) -> None:
    """Start keeping, in this process."""
    worker = getattr(config, "workerinput", {})
    folder, key = worker.get(_NAME) or config.stash[_given]
    reporter = Reporter(Path(folder, f"{worker.get('workerid', 'main')}.jsonl"), key)
    config.pluginmanager.register(reporter, _NAME)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand folder and key to a worker of xdist."""
    node.workerinput[_NAME] = node.config.stash[_given]


class Reporter:
    """What one process of pytest tells, one line of JSON for each thing."""

    def __init__(self, path: Path, key: str) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._seal = hmac.new(key.encode(), digestmod="sha256")
        self._phases: dict[str, str] = {}
        self._collected: list[str] = []

    def _tell(self, what: str, *values: Any) -> None:
        if self._file.closed:  # the session is over: what still happens belongs to no test
            return
        line = json.dumps([what, *values]) + "\n"
        self._seal.update(line.encode())
        self._file.write(line)
        self._file.flush()  # nothing is lost where a test ends the process

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        """Note what was collected, and order it, before anybody else takes anything away."""
        self._collected = [item.nodeid for item in items]
        seed = os.environ.get(ORDER)
        if seed is not None:
            items.sort(key=lambda item: place(item.nodeid, seed))
        return (yield)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell which tests are to run, and how many were left out."""
        selected = [item.nodeid for item in session.items]
        left_out = len(set(self._collected).difference(selected))
        self._tell("selected", selected, left_out)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tell of a module that could not be collected, or that skipped itself."""
        if not report.passed:
            outcome = "error" if report.failed else "skipped"
            self._tell("outcome", report.nodeid or "collection", outcome)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Tell which test runs."""
        self._tell("start", nodeid)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Tell of every phase that raised, also where it is run again or reported as another."""
        report = yield
        if call.excinfo is not None:
            self._tell("raised", item.nodeid, call.when)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Fold the reports of set-up, call and tear-down into one outcome, the worst."""
        outcome = _outcome(report)
        if outcome is not None and self._phases.get(report.nodeid) not in _BAD:
            self._phases[report.nodeid] = outcome

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Tell the outcome of a test when all of its phases are over."""
        outcome = self._phases.pop(nodeid, None)
        if outcome is not None:
            self._tell("outcome", nodeid, outcome)

    def pytest_warning_recorded(self, warning_message: Any, nodeid: str) -> None:
        """Tell of a warning: its category, where, its first line and the end of its traceback."""
        lines = [line.strip() for line in str(warning_message.message).splitlines()]
        said = [line for line in lines if line and not line.startswith(_ADVICE)]
        text = ": ".join(dict.fromkeys((*said[:1], *said[-1:])))
        self._tell("warning", warning_message.category.__name__, nodeid, text)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Tell what is left, and close the file with its seal.

        Not later: a worker of xdist is ended as soon as it has said that its session is over.
        """
        for nodeid, outcome in self._phases.items():
            self._tell("outcome", nodeid, outcome)
        self._file.write(json.dumps([SEAL, self._seal.hexdigest()]) + "\n")
        self._file.close()


def place(nodeid: str, seed: str) -> list[bytes]:
    """Return where a test comes in the order that `seed` makes: modules and classes stay whole."""
    parts = nodeid.split("::")
    names = ("::".join(parts[:count]) for count in range(1, len(parts) + 1))
    return [hashlib.sha256(f"{seed}\0{name}".encode()).digest() for name in names]


def _outcome(report: pytest.TestReport) -> str | None:
    """Return what the report makes of the test, `None` where another one says it."""
    if report.failed:
        return "failed" if report.when == "call" else "error"
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.skipped:
        return "skipped"
    return "passed" if report.when == "call" and report.passed else None
