"""What an edit of a proof takes from those who rely on it: what it shows, and when it is owed.

Whatever it shows less is said, so that nobody has to find it in the diff. Refuses to weigh that: a
step or a control that is written anew counts as another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from chimera.proof.controls import describe
from chimera.proof.kinds import Artifact, ProofSpec
from chimera.proof.running.normalizers import describe_normalizer
from chimera.proof.steps.models import Step

_DEMANDS = ("champion", "expect", "goldens", "history", "save_stdout", "warnings")
"""Fields of a step that say what must come out of it, and not what is done."""
_LEAST = "at_least"
"""The demand that is a number: more of it is more."""
_FAILING = {"all": ["failures", "others"], "failures": ["failures"], "none": []}
"""Which warnings fail a step, by what it says of them."""

Json = Any


def breaks(before: ProofSpec, after: ProofSpec) -> Iterator[str]:
    """Yield what it no longer shows, and where it is no longer owed."""
    if before.claim != after.claim:
        yield f"it no longer shows that {before.claim}"
    yield from _gone("it no longer proves {}", before.inputs, after.inputs)
    if before.phase == "apply" and after.phase != "apply":
        yield "it is no longer owed where nothing is protected"
    yield from _gone("it no longer covers {}", before.covers.paths, after.covers.paths)
    yield from _steps(before, after)
    for control in before.controls:
        if control not in after.controls:
            yield f"it no longer has to fail after {describe(control)}"
    if after.repeat < before.repeat:
        yield f"it is run {after.repeat} times, and was run {before.repeat} times"
    if before.shuffle and not after.shuffle:
        yield "it no longer runs its tests in another order"
    yield from _gone("its repetitions no longer differ in {}", before.vary, after.vary)
    if before.engine == "same" and after.engine == "any":
        yield "evidence by any version of Chimera counts"
    yield from _gone("it no longer asks for isolation from {}", before.isolation, after.isolation)
    yield from _artifacts(before, after)


def ends(before: ProofSpec) -> Iterator[str]:
    """Yield what a proof no longer shows once it is gone, and of what."""
    covers = before.covers
    labels = (f"{key}={value}" for key, value in covers.labels.items())
    about = ", ".join((*covers.paths, *covers.kinds, *covers.layers, *labels))
    yield f"nothing shows any longer that {before.claim}" + (f", of {about}" if about else "")


def _gone(message: str, before: Iterable[str], after: Iterable[str]) -> Iterator[str]:
    kept = set(after)
    yield from (message.format(one) for one in dict.fromkeys(before) if one not in kept)


def _steps(before: ProofSpec, after: ProofSpec) -> Iterator[str]:
    """Yield the steps that are gone, and those that less must come out of."""
    now = [_parted(_dumped(step)) for step in after.steps]
    for step in before.steps:
        deed, demands, least = _parted(_dumped(step))
        asked = [(others, most) for done, others, most in now if done == deed]
        if not asked:
            yield f"it no longer runs {_named(deed)}"
        elif not any(demands <= others and least <= most for others, most in asked):
            yield f"it asks less of {_named(deed)}"


def _dumped(step: Step) -> dict[str, Json]:
    return step.model_dump(mode="json", by_alias=False)


def _parted(step: dict[str, Json]) -> tuple[dict[str, Json], frozenset[str], int]:
    """Return what a step does, each thing that it demands of the outcome, and how much at least."""
    deed = {name: value for name, value in step.items() if name not in (*_DEMANDS, _LEAST)}
    demands = {name: step[name] for name in _DEMANDS if step.get(name) is not None}
    expect = demands.get("expect")
    if expect is not None and step["run"] == "command" and expect["exit_code"] is None:
        demands["expect"] = {**expect, "exit_code": 0}  # which is what it then has to be
    if "warnings" in demands:
        demands["warnings"] = _FAILING[demands["warnings"]]
    return deed, frozenset(_leaves("", demands)), step.get(_LEAST, 0)


def _leaves(route: str, value: Json) -> Iterator[str]:
    """Yield each value inside another, with the way to it; of a list the order does not count."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(f"{route}/{name}", item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(f"{route}/-", item)
    elif value is not None:
        yield f"{route}={value!r}"


def _named(deed: dict[str, Json]) -> str:
    """Return a step as a person would name it."""
    if deed["run"] == "command":
        return " ".join(deed["argv"])
    words = [value for name, value in deed.items() if name not in ("run", "inputs") and value]
    texts = (" ".join(map(str, one)) if isinstance(one, list) else str(one) for one in words)
    return " ".join((deed["run"], *texts))


def _artifacts(before: ProofSpec, after: ProofSpec) -> Iterator[str]:
    now = {artifact.paths: _normalizers(artifact) for artifact in after.artifacts}
    for artifact in before.artifacts:
        if artifact.paths not in now:
            yield f"it no longer compares {artifact.paths}"
        elif more := sorted(now[artifact.paths] - _normalizers(artifact)):
            yield f"it compares {artifact.paths} only after {' and '.join(more)}"


def _normalizers(artifact: Artifact) -> set[str]:
    return set(map(describe_normalizer, artifact.normalize))
