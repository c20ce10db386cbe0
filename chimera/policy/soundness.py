"""What is wrong with a policy as it is written, before anything is evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from chimera.kinds import Document, nearest, suggestion
from chimera.model import Diagnostic, Segment
from chimera.policy.candidates import NAMES
from chimera.policy.kinds import PolicySpec
from chimera.policy.parameters import parameter_faults
from chimera.policy.reading import SNAPSHOT

_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")


def definition_faults(policy: Document[PolicySpec]) -> Iterator[Diagnostic]:
    """Yield repeated names, values of a wrong type, rules without cases and unknown ones."""
    spec = policy.spec
    yield from _mixed_match(policy)
    yield from _repeated(policy, "parameters", "name", [p.name for p in spec.parameters])
    yield from parameter_faults(policy)
    yield from _repeated(policy, "rules", "id", [rule.id for rule in spec.rules])
    yield from _repeated(policy, "variables", "name", [v.name for v in spec.variables])
    yield from _repeated(policy, "cases", "name", [case.name for case in spec.cases])
    yield from _unknown_expectations(policy)
    for number, rule in enumerate(spec.rules):
        failing = any(rule.id in case.expect for case in spec.cases)
        passing = any(rule.id not in case.expect for case in spec.cases)
        for there, which in ((passing, "passes"), (failing, "fails")):
            if not there:
                yield missing_case(policy, number, which)


def missing_case(policy: Document[PolicySpec], rule: int, which: str) -> Diagnostic:
    """Return the diagnostic of a rule that no case shows to pass, or none to fail."""
    found = policy.spec.rules[rule].id
    return _fault(
        policy,
        "policy-case-missing",
        f"no case shows that the rule {found} {which}",
        "add one under spec.cases: a rule that was never seen to do both shows nothing",
        "rules",
        rule,
        "id",
    )


def invalid_expression(
    policy: Document[PolicySpec], message: str, route: Iterable[Segment]
) -> Diagnostic:
    """Return the diagnostic of an expression that does not compile."""
    return _fault(
        policy,
        "policy-expression-invalid",
        f"the expression is not valid CEL: {message}",
        f"{_name_meant(policy, message)}line and column count from the expression's own start",
        *route,
    )


def _name_meant(policy: Document[PolicySpec], message: str) -> str:
    """Return what a name that CEL does not know most likely meant, as the start of a help."""
    unknown = _UNDECLARED.search(message)
    if unknown is None:
        return ""
    head, _, rest = unknown[1].partition(".")
    inside = {
        "variables": [variable.name for variable in policy.spec.variables],
        "parameters": [parameter.name for parameter in policy.spec.parameters],
    }
    if head in inside:
        near = nearest(rest, inside[head])
        return f"did you mean {head}.{near}? " if near else ""
    near = nearest(head, (*NAMES, SNAPSHOT, *inside))
    return f"did you mean {near}? " if near else ""


def _mixed_match(policy: Document[PolicySpec]) -> Iterator[Diagnostic]:
    match = policy.spec.match
    if match.snapshot and (match.names_documents or match.paths or match.changes):
        yield _fault(
            policy,
            "policy-match-mixed",
            "the snapshot as a whole is judged once, so that nothing else can select it",
            "leave out kinds, layers, labels, paths and changes, or snapshot",
            "match",
            "snapshot",
        )


def _repeated(
    policy: Document[PolicySpec], part: str, field: str, names: list[str]
) -> Iterator[Diagnostic]:
    word = part.removesuffix("s")
    for position, name in enumerate(names):
        if name in names[:position]:
            yield _fault(
                policy,
                f"policy-{word}-duplicate",
                f"a second {word} with the {field} {name!r}",
                "rename one of the two, or delete it",
                part,
                position,
                field,
            )


def _unknown_expectations(policy: Document[PolicySpec]) -> Iterator[Diagnostic]:
    known = {rule.id for rule in policy.spec.rules}
    for number, case in enumerate(policy.spec.cases):
        for position, expected in enumerate(case.expect):
            if expected not in known:
                yield _fault(
                    policy,
                    "policy-case-unknown-rule",
                    f"the policy has no rule {expected!r}",
                    suggestion(expected, known, f"it has: {', '.join(sorted(known))}"),
                    "cases",
                    number,
                    "expect",
                    position,
                )


def _fault(
    policy: Document[PolicySpec], rule: str, message: str, help: str, *route: Segment
) -> Diagnostic:
    where = policy.at("spec", *route)
    return Diagnostic(rule, message, where, help, address=str(policy.address))
