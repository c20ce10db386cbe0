"""Comparing repetitions: the first region in which anything that must agree does not.

Outcomes are compared by name, outputs as canonical JSON, artifacts byte for byte. Refuses
tolerance: what may differ is said by a normalizer, before it comes here.
"""

from __future__ import annotations

from collections.abc import Sequence

from chimera.model import canonical_json
from chimera.proof.report import Divergence
from chimera.proof.running.regions import region_of
from chimera.proof.running.run import Ran

_ABSENT = "(absent)"


def divergences(runs: Sequence[Ran]) -> tuple[Divergence, ...]:
    """Return how each later run differs from the first, one divergence for each thing that does."""
    found: dict[str, Divergence] = {}
    for other in runs[1:]:
        for divergence in _between(runs[0], other):
            found.setdefault(divergence.what, divergence)
    return tuple(found.values())


def _between(first: Ran, second: Ran) -> list[Divergence]:
    between = (first.report.label, second.report.label)
    found = [
        *_outcomes(first, second, between),
        *_outputs(first, second, between),
        *_artifacts(first, second, between),
    ]
    if not found and first.report.finding is not second.report.finding:
        findings = (first.report.finding.value, second.report.finding.value)
        found.append(_stated("the finding", *findings, between))
    return found


def _named(run: Ran) -> dict[str, str]:
    return {
        f"step {number}: {name}": outcome
        for number, step in enumerate(run.report.steps, 1)
        for name, outcome in step.outcomes.items()
    }


def _outcomes(first: Ran, second: Ran, between: tuple[str, str]) -> list[Divergence]:
    ours, theirs = _named(first), _named(second)
    return [
        _stated(name, ours.get(name, _ABSENT), theirs.get(name, _ABSENT), between)
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]


def _outputs(first: Ran, second: Ran, between: tuple[str, str]) -> list[Divergence]:
    pairs = enumerate(zip(first.report.steps, second.report.steps, strict=False), 1)
    return [
        _difference(f"step {number}: outputs", *values, between)
        for number, (ours, theirs) in pairs
        if (values := (canonical_json(ours.outputs), canonical_json(theirs.outputs)))
        and values[0] != values[1]
    ]


def _artifacts(first: Ran, second: Ran, between: tuple[str, str]) -> list[Divergence]:
    found = []
    for path in sorted(first.artifacts.keys() | second.artifacts.keys()):
        ours, theirs = first.artifacts.get(path), second.artifacts.get(path)
        if ours is None or theirs is None:
            presences = (_presence(ours), _presence(theirs))
            found.append(_stated(f"artifact {path}", *presences, between))
        elif ours != theirs:
            found.append(_difference(f"artifact {path}", ours, theirs, between))
    return found


def _presence(data: bytes | None) -> str:
    return _ABSENT if data is None else "(present)"


def _stated(what: str, first: str, second: str, between: tuple[str, str]) -> Divergence:
    """Return a divergence of two words, which need no place."""
    return Divergence(what, (f"-{first}", f"+{second}"), between)


def _difference(what: str, first: bytes, second: bytes, between: tuple[str, str]) -> Divergence:
    region = region_of(first, second)
    return Divergence(
        what,
        region.diff,
        between,
        line=region.line,
        column=region.column,
        offset=None if region.line else region.offset,
    )
