"""Outcomes as exit codes (DESIGN §9)."""

from __future__ import annotations

from chimera.model import Outcome

EXIT_CODES: dict[Outcome, int] = {
    Outcome.INTERRUPTED: 130,
    Outcome.INTERNAL: 3,
    Outcome.USAGE: 4,
    Outcome.STALE: 7,
    Outcome.NOT_DETERMINISTIC: 6,
    Outcome.FAILED: 1,
    Outcome.NOT_EXERCISED: 5,
    Outcome.CHANGED: 0,
    Outcome.PASSED: 0,
}
DETAILED_CHANGED = 2
"""What `--detailed-exitcode` makes of `CHANGED`."""
