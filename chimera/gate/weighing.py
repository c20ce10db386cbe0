"""What the gate weighs. Refuses to weigh it: the stages do that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from chimera.gate.kinds import EnvironmentSpec
from chimera.kinds import Document, Snapshot, Subject
from chimera.model import Address, Change, Diagnostic, Digest, TrustRoot, Verdict
from chimera.plan import Plan

if TYPE_CHECKING:
    from chimera.gate.kinds import ApprovalSpec


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a part of a change: as Git calls them, and whose identity that is, if anybody's."""

    name: str
    identity: Address | None


@dataclass(frozen=True, slots=True)
class Side:
    """The documents of a place that can stop what is applied: a tree, the trust ref, the state.

    `faults` are of those that cannot be read. `is_trusted` tells that what it says of a document is
    the last word: it is the trust ref's.
    """

    name: str
    snapshot: Snapshot
    faults: tuple[Diagnostic, ...] = ()
    is_trusted: bool = False


@dataclass(frozen=True)
class Weighing:
    """Everything that a ruling rests on.

    `verdicts` are the judges' and `diagnostics` all that checking found; `standing` tells for the
    address of a proof whether evidence fits the present content. `trust` says whose keys count,
    `None` where no trusted ref does. `approvals` are all that were found, none of them verified;
    `spent` holds the digest of an approval with the target that it let through. `now` is when it is
    weighed, and `authors` tells who wrote a change. `sides` are all places of which freezes,
    incidents, rollbacks and guards bind: the judged tree is one of them. `held` tells whether the
    environment has held before what a change leaves of its target.
    """

    plan: Plan
    subject: Subject
    verdicts: tuple[Verdict, ...]
    diagnostics: tuple[Diagnostic, ...]
    standing: Callable[[Address], Verdict]
    trust: TrustRoot | None
    approvals: tuple[Document[ApprovalSpec], ...]
    spent: frozenset[tuple[Digest, str]]
    now: datetime
    authors: Callable[[Change], tuple[Author, ...]]
    sides: tuple[Side, ...]
    held: Callable[[Change], bool] = lambda change: False


def environments(snapshot: Snapshot) -> Mapping[str, bool]:
    """Return the environments of a snapshot: name to whether it is protected.

    `local` is there without a document, and unprotected.
    """
    found = {d.address.name: d.spec.protected for d in snapshot.of_model(EnvironmentSpec)}
    return {"local": False, **found}
