"""What shows that rules work: the cases of each, and the rules that met nothing in a repository."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from chimera.model import Finding, RuleAction, Verdict
from chimera.policy.sitting import Judged


@dataclass(frozen=True, slots=True)
class RuleCoverage:
    """How many cases show a rule to hold, to find fault and to be inapplicable."""

    rule: str
    action: RuleAction
    holds: int
    fails: int
    inapplicable: int

    @property
    def is_shown(self) -> bool:
        """Whether the rule was seen to do both."""
        return self.holds > 0 and self.fails > 0


@dataclass
class Coverage:
    """Counts what rules say of cases."""

    holds: Counter[int] = field(default_factory=Counter)
    fails: Counter[int] = field(default_factory=Counter)
    inapplicable: Counter[int] = field(default_factory=Counter)

    def add(self, judged: Judged) -> None:
        """Count one answer; an error shows nothing."""
        if judged.answer.absent is not None:
            self.inapplicable[judged.number] += 1
        elif judged.is_broken:
            self.fails[judged.number] += 1
        elif judged.answer.error is None:
            self.holds[judged.number] += 1


@dataclass(frozen=True, slots=True)
class Unexercised:
    """A rule of a policy that judged nothing, and why."""

    rule: str
    action: RuleAction
    reasons: tuple[str, ...]


def unexercised(verdicts: Iterable[Verdict]) -> tuple[Unexercised, ...]:
    """Return the rules of policies that only have verdicts of not being exercised."""
    by_rule: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.action is not None:
            by_rule.setdefault(verdict.judge, []).append(verdict)
    return tuple(
        Unexercised(rule, found[0].action, tuple(sorted({r for v in found for r in v.reasons})))
        for rule, found in sorted(by_rule.items())
        if found[0].action is not None and all(v.finding is Finding.NOT_EXERCISED for v in found)
    )
