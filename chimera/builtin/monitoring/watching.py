"""Looking, remembering what was found, and telling people: what `chimera health` does at each look.

Refuses to let what could not be kept or sent hide what was found: it is a warning beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from chimera.builtin.monitoring.health import Report, examine
from chimera.builtin.monitoring.keeping import Memory
from chimera.builtin.monitoring.kinds import AlertSpec
from chimera.builtin.monitoring.notifying import Notice, tell
from chimera.gate import environments
from chimera.kinds import suggestion
from chimera.model import Address, UsageError, has_errors

if TYPE_CHECKING:
    from chimera.workspace import Workspace

_KIND = "Service"


def doubts(workspace: Workspace, environment: str) -> Iterator[str]:
    """Yield why less is looked at than somebody may think: it is looked all the same.

    What is asked in an incident gets an answer, whoever broke a document meanwhile.
    """
    known = environments(workspace.loaded.snapshot)
    if environment not in known:
        near = suggestion(environment, known, f"there is: {', '.join(sorted(known))}")
        yield f"there is no Environment {environment}; {near}"
    broken = {
        fault.address: fault.where
        for fault in workspace.loaded.diagnostics
        if fault.address and fault.address.startswith(f"{_KIND}/") and has_errors((fault,))
    }
    for address, where in sorted(broken.items()):
        if workspace.loaded.snapshot.get(Address.parse(address)) is None:
            yield f"{address} is not looked at: {where.path} is not valid, `chimera check` says why"


def named(workspace: Workspace, environment: str, names: Sequence[str]) -> frozenset[str]:
    """Return the addresses of services; raises `UsageError` for one that is not there to look at.

    A name may be written with its kind.
    """
    if not names:
        return frozenset()
    snapshot = workspace.loaded.snapshot
    known = {
        str(document.address): getattr(document.spec, "environments", ())
        for document in snapshot.of_kinds({_KIND})
    }
    found = []
    for name in names:
        address = name if "/" in name else f"{_KIND}/{name}"
        if address not in known:
            there = f"there is: {', '.join(known)}" if known else "write one: chimera new Service"
            raise UsageError(f"there is no {address}", help=suggestion(address, known, there))
        if known[address] and f"Environment/{environment}" not in known[address]:
            elsewhere = [each.partition("/")[2] for each in known[address]]
            raise UsageError(
                f"{address} is not looked at in {environment}",
                help=f"give --env {' or --env '.join(elsewhere)}",
            )
        found.append(str(Address.parse(address)))
    return frozenset(found)


class Watcher:
    """Looks at an environment, again and again if asked to, and knows what it found last."""

    def __init__(
        self,
        workspace: Workspace,
        environment: str,
        alerts: Sequence[AlertSpec],
        only: frozenset[str],
        *,
        records: bool,
    ) -> None:
        self._workspace = workspace
        self._alerts = alerts
        self._only = only
        self._records = records
        self._memory = Memory(workspace, environment)
        self._notices: tuple[Notice, ...] = ()
        self._looked = False
        self.warnings: tuple[str, ...] = ()
        """What went wrong beside the last look."""
        self.found: Report
        """What the last look found."""

    def look(self) -> Report:
        """Look once, keep what was found, and send what has changed."""
        memory = self._memory
        if self._looked:
            self._workspace = self._workspace.reopened()  # documents may have changed
        self._looked = True
        unread = memory.read()
        self.found = report = examine(
            *(self._workspace, memory.environment, self._alerts),
            only=self._only,
            standing=memory.standing,
        )
        memory.take(report)
        if not self._records:
            return report
        # Where nobody knows what was told before, all of it would be told again at each look.
        self._notices = () if unread else tuple(tell(self._workspace, report, memory))
        warnings = [
            f"{notice.notification} told nobody: {notice.error}"
            for notice in self._notices
            if notice.error is not None
        ]
        warnings += [f"nobody is told of anything: {unread}"] if unread else []
        why = memory.keep()
        warnings += [f"this is not kept in the history: {why}"] if why else []
        self.warnings = tuple(warnings)
        return report

    def to_json(self, report: Report) -> dict[str, Any]:
        """Return a report with what was told of it."""
        notices = [notice.to_json() for notice in self._notices]
        return {**report.to_json(), **({"notices": notices} if notices else {})}
