"""Telling people of changes: once each, by what `Notification` documents say.

What is sent is sent by the operation `notify`, with its bounds. Refuses to let a message that could
not be sent hide what was found, and to call a webhook by a definition that nobody vouches for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from chimera.builtin.monitoring.notification import NotificationSpec
from chimera.builtin.monitoring.vouching import HELP, is_vouched_for
from chimera.kinds import Document
from chimera.model import ChimeraError, digest_json
from chimera.runtime.health import Health
from chimera.runtime.recovery import PermanentError, StepError
from chimera.runtime.secrets import read_secret
from chimera.runtime.steps import StepCall

if TYPE_CHECKING:
    from chimera.builtin.monitoring.health import Report
    from chimera.builtin.monitoring.keeping import Memory
    from chimera.state import Json
    from chimera.workspace import Workspace

_PAUSE = 0.2
_SEVERITIES = {Health.HEALTHY: "low", Health.DEGRADED: "medium", Health.UNHEALTHY: "high"}
_OPERATION = "notify"
_ALERT = "Alert/"


@dataclass(frozen=True, slots=True)
class Change:
    """That something is no longer as it was when somebody was told of it last."""

    subject: str
    status: Health
    was: Health
    message: str
    help: str | None = None

    def to_json(self) -> dict[str, Json]:
        """Return the change as it is told."""
        return {
            "subject": self.subject,
            "status": self.status.value,
            "was": self.was.value,
            "message": self.message,
            "help": self.help,
        }


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that a notification was to send, and why it was not, where it was not."""

    notification: str
    changes: tuple[Change, ...]
    error: str | None = None

    def to_json(self) -> dict[str, Json]:
        """Return the notice as it is shown."""
        found: dict[str, Json] = {
            "notification": self.notification,
            "sent": self.error is None,
            "changes": [change.to_json() for change in self.changes],
        }
        return found if self.error is None else {**found, "error": self.error}


def tell(workspace: Workspace, report: Report, memory: Memory) -> list[Notice]:
    """Send what has changed since each notification told of it last; say what was sent.

    `memory` knows afterwards what was told. What could not be is told after the next look.
    """
    snapshot = workspace.loaded.snapshot
    if "Notification" not in snapshot.kinds:
        return []
    notices = []
    found = sorted(snapshot.of_model(NotificationSpec), key=lambda one: one.address)
    here = f"Environment/{report.environment}"
    for document in found:
        if document.spec.environments and here not in document.spec.environments:
            continue
        notice = _told(workspace, document, report, memory)
        if notice is not None:
            notices.append(notice)
    return notices


def _told(
    workspace: Workspace, document: Document[NotificationSpec], report: Report, memory: Memory
) -> Notice | None:
    spec, name = document.spec, str(document.address)
    kept: Any = memory.told.get(name) or {}
    before = _still_there(kept, report)
    after = dict(before)
    changes: list[Change] = []
    for change in _changes(spec, before, report):
        after[change.subject] = change.status.value
        if change.status is not Health.HEALTHY or spec.recoveries:
            changes.append(change)
    error = None
    if changes:
        error = _sent(workspace, document, report, changes)
    if error is None and after != kept:
        memory.told[name] = {k: v for k, v in sorted(after.items()) if v != Health.HEALTHY.value}
    return Notice(name, tuple(changes), error) if changes else None


def _still_there(told: Mapping[str, str], report: Report) -> dict[str, str]:
    """Return what was told of things that there are: nobody is told that others are well again."""
    known = {check.subject for check in report.checks}
    known |= {*report.quiet, *(alert.name for alert in report.alerts)}
    return {subject: was for subject, was in told.items() if report.partial or subject in known}


def _changes(spec: NotificationSpec, before: Mapping[str, str], report: Report) -> Iterator[Change]:
    """Yield what is not as it was told last, as far as the notification is about it."""
    order = list(Health)
    least = order.index(Health(spec.least))
    for subject, status, message, help in _statuses(report):
        if any(fnmatchcase(subject, pattern) for pattern in spec.subjects):
            now = status if order.index(status) >= least else Health.HEALTHY
            was = Health(before.get(subject, Health.HEALTHY.value))
            if now is not was:
                yield Change(subject, now, was, message, help)


def _statuses(report: Report) -> Iterator[tuple[str, Health, str, str | None]]:
    """Yield everything that somebody can be told of: no check of a service apart from it.

    What fails because of something else is left out: that is told, and it is not to blame.
    """
    subjects = {check.subject for check in report.checks}
    for check in report.checks:
        is_part = check.subject.rpartition("/")[0] in subjects
        if not is_part and "blockedBy" not in check.measures:
            yield check.subject, check.status, check.message, check.help
    for alert in report.alerts:
        if alert.name.startswith(_ALERT):  # the others are of this command alone
            yield alert.name, alert.health, alert.text, alert.message
    for name in report.quiet:
        if name.startswith(_ALERT):
            yield name, Health.HEALTHY, "the threshold is no longer passed", None


def _sent(
    workspace: Workspace,
    document: Document[NotificationSpec],
    report: Report,
    changes: list[Change],
) -> str | None:
    """Send one message about all changes; return why it could not be sent, if so."""
    try:
        with workspace.read_state() as state:
            is_known = is_vouched_for(workspace, state, report.environment, document)
        if document.spec.webhook and not is_known:
            return f"its definition was not applied here: {HELP.format(report.environment)}"
        _send(workspace, document.spec, report, changes)
    except ChimeraError as error:
        return workspace.context.secrets.mask(error.message)
    return None


def _send(
    workspace: Workspace, spec: NotificationSpec, report: Report, changes: list[Change]
) -> None:
    operation = workspace.registry.operations.get(_OPERATION)
    if operation is None:
        raise ChimeraError(
            f"no plugin registers the operation {_OPERATION}, which sends messages",
            help="do not disable the plugin workflow",
        )
    ends = time.monotonic() + spec.timeout.total_seconds()
    details: dict[str, Json] = {
        "format": "chimera-notification/1",
        "environment": report.environment,
        "at": report.at,
        "changes": [change.to_json() for change in changes],
    }
    inputs = {
        "message": _message(report, changes),
        "severity": _SEVERITIES[max((c.status for c in changes), key=list(Health).index)],
        "to": spec.to,
        "details": details,
        **_channel(workspace, spec, ends),
    }
    # The same message has the same key, so that who heard it already can tell.
    key = digest_json({**details, "to": spec.to}).partition(":")[2][:32]
    for attempt in range(1, spec.attempts + 1):
        left = ends - time.monotonic()
        given = {**inputs, "timeout": f"{max(1, round(left * 1000))}ms"}
        call = StepCall(
            inputs=given,
            key=key,
            attempt=attempt,
            in_doubt=attempt > 1,
            context=workspace.context,
            cancelled=lambda: time.monotonic() >= ends,
            log=lambda text: None,
            now=workspace.context.clock.now(),
        )
        try:
            operation.perform(call, workspace.root)
        except PermanentError:
            raise
        except StepError:
            if attempt == spec.attempts or time.monotonic() + _PAUSE >= ends:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _channel(workspace: Workspace, spec: NotificationSpec, ends: float) -> dict[str, Json]:
    """Return how it is delivered, with its secrets, which are masked from now on."""
    webhook = spec.webhook
    if webhook is None:
        return {"file": f".chimera/out/{spec.file}"}

    def secret(name: str, source: Any) -> str:
        is_late = lambda: time.monotonic() >= ends  # noqa: E731
        return read_secret(name, source, workspace.context, workspace.root, is_late)

    headers = {name: secret(name, source) for name, source in webhook.secret_headers.items()}
    url = webhook.url
    if url is None:
        assert webhook.secret_url is not None
        url = secret("url", webhook.secret_url)
    return {"url": url, "headers": {**webhook.headers, **headers}}


def _message(report: Report, changes: list[Change]) -> str:
    told = [f"{change.subject} is {change.status.value}: {change.message}" for change in changes]
    return f"{report.environment}: " + "; ".join(told)
