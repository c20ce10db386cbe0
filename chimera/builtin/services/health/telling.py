"""What is said of checks and services, for people who read it under stress.

Refuses to say that something is well, or what is wrong, by anything but what was found.
"""

from __future__ import annotations

from collections.abc import Sequence

from chimera.builtin.services.health.asking import NotAsked
from chimera.builtin.services.health.looking import Found
from chimera.builtin.services.health.standing import Standing
from chimera.builtin.services.spec.checks import Check
from chimera.runtime.health import Health, HealthCheck

Said = tuple[str, str | None]
"""What is told, and what to do."""


def found(found: Found, check: Check, after: Standing) -> str:
    """Say what was found, and how often it has to be where that is more than once."""
    if found.ok and not after.is_well:
        return f"{found.message} ({after.successes} of {check.healthy_after} until it is well)"
    if not found.ok and after.is_well and after.failures:
        left = f"{after.failures} of {check.unhealthy_after} until it is unhealthy"
        return f"{found.message} ({left})"
    return found.message


def not_asked(answer: NotAsked | None) -> Said:
    """Say why nothing was asked; without a reason it is the breaker of the service."""
    if answer is None:
        return "not asked: its breaker is open", None
    return f"not asked: {answer.why}", answer.help


def service(
    checks: Sequence[HealthCheck], causes: Sequence[str], left: float | None, *, fails: bool
) -> Said:
    """Say how a service is by its checks, what it depends on, and its breaker."""
    below, fail = " and ".join(causes), "fails" if len(causes) == 1 else "fail"
    own = _own(checks)
    if causes and fails:
        return f"{own[0]}; it depends on {below}, which {fail}", f"see to {below} first"
    if left is not None:
        return f"it failed too often, and is left alone for another {left:.0f} s", None
    if causes:
        return f"it answers, but depends on {below}, which {fail}", f"see to {below}"
    return own


def _own(checks: Sequence[HealthCheck]) -> Said:
    """Say how a service is by its checks alone."""
    if len(checks) == 1:
        return checks[0].message, checks[0].help
    bad = [check for check in checks if check.status is not Health.HEALTHY]
    if not bad:
        return "all checks succeed", None
    helps = dict.fromkeys(check.help for check in bad if check.help)
    named = [f"{check.subject.rpartition('/')[2]}: {check.message}" for check in bad]
    return "; ".join(named), "; ".join(helps) or None
