"""Proofs that follow a document: which champion they ask for is what the document puts to use.

A Promotion says which genome is in use and which proof shows that. Another genome is another
champion for both: as it was, the proof could hold in no change that promotes again or takes a
promotion back. Refuses to follow anything but that: a champion that no document moves, and a
history that is no longer asked for, are less, as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chimera.kinds import Snapshot
from chimera.model import Address
from chimera.proof.kinds import ProofSpec
from chimera.proof.steps.models import EvolutionStep

Written = Callable[[Address], "Mapping[str, Any] | None"]
"""What the author of a document had written before, if it was there."""


def followed(
    target: Address, before: ProofSpec, after: ProofSpec, snapshot: Snapshot, written: Written
) -> ProofSpec:
    """Return the proof at `target` as it was, with the champions that its documents name now."""
    moved = dict(_moved(target, snapshot, written))
    steps = tuple(
        _as_now(step, moved[step.champion], after)
        if isinstance(step, EvolutionStep) and step.champion in moved
        else step
        for step in before.steps
    )
    return before.model_copy(update={"steps": steps})


def _moved(target: Address, snapshot: Snapshot, written: Written) -> Iterator[tuple[str, str]]:
    """Yield each champion that a document of the proof named before, and the one it names now."""
    for source in sorted({use.source for use in snapshot.referred_by(target)}):
        former = (written(source) or {}).get("spec")
        now = snapshot.documents[source].value.get("spec")
        pair = _champion(former, target), _champion(now, target)
        if pair[0] is not None and pair[1] is not None:
            yield pair[0], pair[1]


def _champion(spec: Any, proof: Address) -> str | None:
    """Return the champion of which a document says that this proof shows it."""
    if not isinstance(spec, Mapping) or spec.get("proof") != str(proof):
        return None
    champion = spec.get("champion")
    return champion if isinstance(champion, str) else None


def _as_now(step: EvolutionStep, champion: str, after: ProofSpec) -> EvolutionStep:
    """Return a step that asks for `champion`, and for the history that goes with it now."""
    histories = (
        now.history
        for now in after.steps
        if isinstance(now, EvolutionStep)
        and (now.evolution, now.champion) == (step.evolution, champion)
    )
    history = next(histories, None) if step.history is not None else None
    return step.model_copy(update={"champion": champion, "history": history or step.history})
