"""Which records bind a plan, of all places that have one.

Of a record that the trust ref has, the trust ref's word is the last: deleting or editing it on a
branch loosens nothing, and what ended there binds no longer for an older commit. Every other place
binds besides: what it has counts wherever it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import TYPE_CHECKING, TypeVar

from chimera.builtin.records.kinds import (
    FreezeSpec,
    IncidentSpec,
    Level,
    RollbackSpec,
    SeverityModelSpec,
)
from chimera.gate import environments
from chimera.kinds import DELETED, Answer, Document, Model
from chimera.model import Action, Address, Change, Digest, PathSet

if TYPE_CHECKING:
    from chimera.gate import Side, Weighing

S = TypeVar("S", bound=Model)
_PATHS = "paths:"


def binding(
    weighing: Weighing, spec: type[S], key: Callable[[S], Hashable] = lambda spec: None
) -> Iterator[tuple[Side, Document[S]]]:
    """Yield each record of a model that binds, once for each digest, with the place that has it.

    Of records with one address and one `key` the trust ref's alone binds, where it has one.
    """
    decided: set[Hashable] = set()
    seen: set[Digest] = set()
    for side in sorted(weighing.sides, key=lambda side: not side.is_trusted):
        for document in side.snapshot.of_model(spec):
            name = (document.address, key(document.spec))
            if side.is_trusted:
                decided.add(name)
            elif name in decided:
                continue
            if document.digest not in seen:
                seen.add(document.digest)
                yield side, document


def standing_freezes(weighing: Weighing) -> Iterator[tuple[Side, Document[FreezeSpec]]]:
    """Yield the freezes that stand; one that is declared anew is another one."""
    for side, freeze in declared_freezes(weighing):
        if freeze.spec.stands(weighing.now):
            yield side, freeze


def declared_freezes(weighing: Weighing) -> Iterator[tuple[Side, Document[FreezeSpec]]]:
    """Yield the freezes that bind, whether or not they stand now."""
    return binding(weighing, FreezeSpec, lambda spec: spec.since)


def open_incidents(weighing: Weighing) -> Iterator[tuple[Side, Document[IncidentSpec]]]:
    """Yield the incidents that are open in the plan's environment: all that are not resolved.

    Clocks differ, and can be set back: one that begins later by this one is open, too. One of an
    environment that no place knows may be meant for any.
    """
    known = known_environments(weighing)
    for side, incident in binding(weighing, IncidentSpec, lambda spec: spec.opened.at):
        where = incident.spec.environment
        is_here = where == weighing.plan.environment or where not in known
        if is_here and not incident.spec.is_over(weighing.now):
            yield side, incident


def known_environments(weighing: Weighing) -> set[str]:
    """Return the names of the environments that any place has."""
    return {name for side in weighing.sides for name in environments(side.snapshot)}


def level_of(
    side: Side, incident: Document[IncidentSpec], weighing: Weighing
) -> tuple[str, Level | None]:
    """Return the level that an incident has now, and what its model says of that.

    The model is that of the incident's own place, so that no other loosens it, and besides what it
    was before the change itself edits it. `None` where nobody has it or it lacks the level. What
    freezes comes first, also of levels that are to come by this clock.
    """
    models = tuple(_models(side, Address.parse(incident.spec.model), weighing))
    names = incident.spec.levels_from(weighing.now)
    found = [(name, model.level(name)) for name in reversed(names) for model in models]
    freezing = (one for one in found if one[1] is None or one[1].freeze_owed)
    return next(freezing, found[-1] if found else (names[0], None))


def _models(side: Side, name: Address, weighing: Weighing) -> Iterator[SeverityModelSpec]:
    """Yield a model as it was, and as the first place has it that has one."""
    for address, spec in weighing.subject.binding(SeverityModelSpec):
        if address == name:
            yield spec
    for one in (side, *weighing.sides):
        model = one.snapshot.get(name)
        if model is not None and isinstance(model.spec, SeverityModelSpec):
            yield model.spec
            return


def restores(rollback: RollbackSpec, change: Change, environment: str) -> bool:
    """Tell whether a change is what a rollback restores, and that one is not over.

    To run what was restored is none: a rollback is one change, and a run can be asked for again.
    """
    if change.action is Action.RUN or rollback.observation.result is not None:
        return False
    return rollback.environment == environment and _names(rollback.answers, change)


def takes_back(rollback: RollbackSpec, change: Change, environment: str) -> bool:
    """Tell whether a change is what a rollback took back.

    A digest of paths is that of their content: other patterns do not make another change of it.
    """
    if rollback.environment != environment:
        return False
    same = any(
        one.after == change.after and one.target.startswith(_PATHS) for one in rollback.reverts
    )
    return _names(rollback.reverts, change) or (isinstance(change.target, PathSet) and same)


def _names(answers: tuple[Answer, ...], change: Change) -> bool:
    wanted = (str(change.target), change.after or DELETED)
    return any((one.target, one.after) == wanted for one in answers)


def counts(side: Side, weighing: Weighing) -> bool:
    """Tell whether a place can let anything through: where it is protected, what is merged does."""
    return side.is_trusted or not weighing.plan.protected


def rollback_of(incident: IncidentSpec, weighing: Weighing) -> Callable[[Change], bool]:
    """Return what tells whether a change is of the rollback that an incident names.

    What is merged counts where the environment is protected, and nothing else does.
    """
    found = [
        document.spec
        for side, document in binding(weighing, RollbackSpec)
        if str(document.address) == incident.rollback and counts(side, weighing)
    ]
    environment = weighing.plan.environment
    return lambda change: bool(found) and all(restores(one, change, environment) for one in found)
