"""Comparing repetitions: the first region in which anything that must agree does not.

Outcomes are compared by name, outputs as canonical JSON, artifacts byte for byte. Refuses
tolerance: what may differ is said by a normalizer, before it comes here.
"""

from __future__ import annotations

from collections.abc import Sequence

from chimera.model import canonical_json
from chimera.proof.report import Divergence
from chimera.proof.run import Ran

_REGION = 60
_ABSENT = "(absent)"


def divergences(runs: Sequence[Ran]) -> tuple[Divergence, ...]:
    """Return how each later run differs from the first, one divergence for each thing that does."""
    found: dict[str, Divergence] = {}
    for other in runs[1:]:
        for divergence in _between(runs[0], other):
            found.setdefault(divergence.what, divergence)
    return tuple(found.values())


def _between(first: Ran, second: Ran) -> list[Divergence]:
    found = _outcomes(first, second) + _outputs(first, second) + _artifacts(first, second)
    if not found and first.report.finding is not second.report.finding:
        found.append(
            Divergence("the finding", first.report.finding.value, second.report.finding.value)
        )
    return found


def _named(run: Ran) -> dict[str, str]:
    return {
        f"step {number}: {name}": outcome
        for number, step in enumerate(run.report.steps, 1)
        for name, outcome in step.outcomes.items()
    }


def _outcomes(first: Ran, second: Ran) -> list[Divergence]:
    ours, theirs = _named(first), _named(second)
    return [
        Divergence(name, ours.get(name, _ABSENT), theirs.get(name, _ABSENT))
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]


def _outputs(first: Ran, second: Ran) -> list[Divergence]:
    pairs = enumerate(zip(first.report.steps, second.report.steps, strict=False), 1)
    return [
        _difference(f"step {number}: outputs", *values)
        for number, (ours, theirs) in pairs
        if (values := (canonical_json(ours.outputs), canonical_json(theirs.outputs)))
        and values[0] != values[1]
    ]


def _artifacts(first: Ran, second: Ran) -> list[Divergence]:
    found = []
    for path in sorted(first.artifacts.keys() | second.artifacts.keys()):
        ours, theirs = first.artifacts.get(path), second.artifacts.get(path)
        if ours is None or theirs is None:
            found.append(Divergence(f"artifact {path}", _presence(ours), _presence(theirs)))
        elif ours != theirs:
            found.append(_difference(f"artifact {path}", ours, theirs))
    return found


def _difference(what: str, first: bytes, second: bytes) -> Divergence:
    """Return the first region that differs, from a little before it."""
    at = _first_difference(first, second)
    start = max(first.rfind(b"\n", 0, at) + 1, at - _REGION)
    is_text = b"\0" not in first[: at + 1]
    return Divergence(
        what,
        _shown(first[start : at + _REGION]),
        _shown(second[start : at + _REGION]),
        line=first.count(b"\n", 0, at) + 1 if is_text else None,
    )


def _presence(data: bytes | None) -> str:
    return _ABSENT if data is None else "(present)"


def _shown(region: bytes) -> str:
    return region.decode("utf-8", "backslashreplace")


def _first_difference(first: bytes, second: bytes) -> int:
    """Return the first index at which the two differ, by halving: slices compare at full speed."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
