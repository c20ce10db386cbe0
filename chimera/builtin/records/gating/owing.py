"""What changes owe by records: an entry where they reach production, and what a rollback takes.

Refuses to ask a rollback for its entry beforehand: that one is written within 24 hours of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.builtin.records.drafting import KIND
from chimera.builtin.records.gating.binding import restores
from chimera.builtin.records.kinds import RollbackSpec
from chimera.gate import ANYBODY, EnvironmentSpec
from chimera.kinds import Subject
from chimera.model import Action, Address, Change, Obligation
from chimera.proof import ProofSpec


def owe(subject: Subject) -> Iterator[Obligation]:
    """Yield the entry that each change of production owes, and what each rollback does."""
    production = production_of(subject)
    for change in subject.changes or ():
        if not change.changes or change.action is Action.RUN:
            continue
        rollbacks = _rollbacks(subject, change)
        for rollback in rollbacks:
            yield from _of_rollback(subject, change, rollback)
        if production is not None and not rollbacks:
            reason = f"{production} is production, and the change affects it"
            how = f"write one: `chimera changelog add --env {production.name}`"
            yield Obligation("record", KIND, change.target, production, reason, how=how)


def production_of(subject: Subject) -> Address | None:
    """Return the document by which the environment is production, as it is or as it was."""
    for address, spec in subject.binding(EnvironmentSpec):
        if address.name == subject.environment.name and spec.production:
            return address
    return None


def _rollbacks(subject: Subject, change: Change) -> tuple[Address, ...]:
    if "Rollback" not in subject.snapshot.kinds:
        return ()
    name = subject.environment.name
    found = subject.snapshot.of_model(RollbackSpec)
    return tuple(one.address for one in found if restores(one.spec, change, name))


def _of_rollback(subject: Subject, change: Change, rollback: Address) -> Iterator[Obligation]:
    """Yield a person's approval where one can sign, and every proof of what is restored.

    Whatever phase a proof has: what is gone back to is shown before it is gone back to.
    """
    target = change.target
    if subject.environment.protected:
        reason = f"{rollback} restores it, and a person triggers a rollback"
        how = f"sign it with `chimera rollback approve {rollback.name}`"
        yield Obligation("approval", ANYBODY, target, rollback, reason, (("count", "1"),), how)
    for address, proof in subject.binding(ProofSpec):
        is_about = proof.covers.names_documents or bool(proof.covers.paths)
        if is_about and subject.selects(proof.covers, change):
            reason = f"{address} covers {target}, which {rollback} restores"
            yield Obligation("proof", str(address), target, rollback, reason)
