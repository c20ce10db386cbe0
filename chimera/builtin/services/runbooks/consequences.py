"""How much a step risks, and what is gone after it: by its author, and by what is known.

What is known is a floor under what an author says, so that a restart cannot be called a look.
"""

from __future__ import annotations

from chimera.builtin.services.runbooks.programs import READS, Consequence, known_of
from chimera.builtin.services.spec.runbook import Lost, Risk, StepSpec

_RISKS: tuple[Risk, ...] = ("reads", "changes", "destroys")


def graver(one: Risk, other: Risk) -> Risk:
    """Return the greater of two risks."""
    return max(one, other, key=_RISKS.index)


def risk_of(step: StepSpec) -> Risk:
    """Return how much a step risks: what its author says, and no less than what is known."""
    known = consequence_of(step)
    told = step.risk or "reads"
    return told if known is None else graver(told, known.risk)


def losses_of(step: StepSpec) -> frozenset[Lost]:
    """Return what is gone after a step, by its author or by what is known."""
    known = consequence_of(step)
    return frozenset(step.loses) | (known.loses if known else frozenset())


def consequence_of(step: StepSpec) -> Consequence | None:
    """Return what is known of all programs of a step; `None` where one is not known.

    What one is known to lose counts, whatever is not known of the others.
    """
    if not step.programs:
        return None if step.shell is not None else READS
    found = [
        known_of(argv, is_fed=step.stdin is not None or position > 0)
        for position, argv in enumerate(step.programs)
    ]
    known = [one for one in found if one is not None]
    if len(known) < len(found) and not any(one.loses for one in known):
        return None
    risk: Risk = max((one.risk for one in known), key=_RISKS.index, default="reads")
    return Consequence(risk, frozenset().union(*(one.loses for one in known)))


def only_looks(step: StepSpec) -> bool:
    """Tell whether a step is known to do nothing but look: its author's word is not enough."""
    known = consequence_of(step)
    return known is not None and known.risk == "reads" and risk_of(step) == "reads"
