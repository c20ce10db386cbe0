"""Contracts as they were: one that a change edits or deletes binds what else that change touches.

Nobody lifts a prohibition and breaks it in one change. Refuses to speak of documents that the
change leaves as they were, and of contracts themselves: those may change in a change of their own.
Where no tree is compared with, nobody knows what changed together, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from chimera.contract.facts import Marks
from chimera.contract.judge import conduct, members_of
from chimera.contract.layers import Contract, contracts_of, is_contract, layers_of
from chimera.contract.placement import Placer, place
from chimera.contract.prohibitions import Prohibition
from chimera.kinds import Document, Model, Snapshot, Subject
from chimera.model import Action, Address, Diagnostic, Finding, Related, Severity, Verdict

_LOOSENED = (Action.UPDATE, Action.DELETE)
_REFUSED = "layer-refused"
"""Of what is wrong with where documents stand, what a contract forbids; the rest is spelling."""


def judge_former(
    subject: Subject, prohibitions: Mapping[str, Prohibition], told: Iterable[Verdict]
) -> Iterator[Verdict]:
    """Yield what contracts, as they were, forbid of what the change touches and nobody `told`."""
    contracts = _former_contracts(subject)
    touched = _touched(subject) if contracts else {}
    if not touched:
        return
    known = {(d.rule, d.where) for verdict in told for d in verdict.diagnostics}
    present = contracts_of(subject.snapshot)
    known |= {(d.rule, d.where) for _, d in _refused(touched.values(), present)}
    found: dict[tuple[str, str, str], list[Diagnostic]] = {}
    before = _as_it_was(subject, contracts)
    for contract, fault in (
        *_faults(before, contracts, prohibitions),
        *_refused(touched.values(), contracts),
    ):
        is_new = (fault.rule, fault.where) not in known
        address = fault.address or ""
        if fault.severity is Severity.ERROR and address in touched and is_new:
            known.add((fault.rule, fault.where))
            key = (str(contract.address), fault.rule, address)
            found.setdefault(key, []).append(_said(fault, contract, subject))
    for (name, rule, address), faults in found.items():
        reasons = tuple(fault.message for fault in faults)
        yield Verdict(f"{name}#{rule}", address, Finding.FAIL, reasons, tuple(faults))


def _former_contracts(subject: Subject) -> tuple[Contract, ...]:
    """Return the contracts that the change edits or deletes, as they were, by address."""
    if subject.former is None:
        return ()
    changed = {c.target for c in subject.changes or () if c.action in _LOOSENED}
    return tuple(c for c in contracts_of(subject.former) if c.address in changed)


def _touched(subject: Subject) -> Mapping[str, Document[Model]]:
    """Return the documents that the change adds, edits or moves; not those that only wake by it."""
    former, snapshot = subject.former, subject.snapshot
    found = {}
    for change in subject.changes or ():
        target = change.target
        present = snapshot.get(target) if isinstance(target, Address) else None
        if present is None or is_contract(present):
            continue
        was = former.get(present.address) if former is not None else None
        if was is None or (was.digest, was.place.path) != (present.digest, present.place.path):
            found[str(present.address)] = present
    return found


def _as_it_was(subject: Subject, contracts: Iterable[Contract]) -> Subject:
    """Return the subject as if its documents stood under `contracts`, not what became of them."""
    snapshot = subject.snapshot
    documents: dict[Address, Document[Model]] = dict(snapshot.documents)
    documents.update({contract.address: contract for contract in contracts})
    before = Snapshot.of(snapshot.tree, snapshot.registry, documents.values())
    return replace(subject, snapshot=before, placements=place(before).placements)


def _faults(
    subject: Subject, contracts: Iterable[Contract], prohibitions: Mapping[str, Prohibition]
) -> Iterator[tuple[Contract, Diagnostic]]:
    marks, members = Marks(subject.snapshot), members_of(subject)
    for contract in contracts:
        for layer in layers_of(contract):
            here = members.get(layer.name, ())
            for fault in conduct(layer, here, subject, marks, prohibitions):
                yield contract, fault


def _refused(
    documents: Iterable[Document[Model]], contracts: Iterable[Contract]
) -> Iterator[tuple[Contract, Diagnostic]]:
    """Yield each document that stands in a layer that refuses it."""
    documents = tuple(documents)
    for contract in contracts:
        placer = Placer((contract,))
        for one in documents:
            standing = placer.standing(one.kind.name, one.place.path, one.layers)
            for fault in placer.faults(one, standing):
                if fault.rule == _REFUSED:
                    yield contract, fault


def _said(fault: Diagnostic, contract: Contract, subject: Subject) -> Diagnostic:
    """Return a fault that cites the contract as it is now: where it stood, others may stand."""
    name, present = contract.address, subject.snapshot.get(contract.address)
    return replace(
        fault,
        message=f"{name}, as it was before this change, forbids: {fault.message}",
        help=f"{fault.help}, or change {name} first, in a change of its own",
        related=(Related(f"{name} changes here", present.place),) if present is not None else (),
    )
