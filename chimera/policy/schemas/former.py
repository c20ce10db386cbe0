"""Schemas as they were: one that a change loosens is held against the files that it changes, too.

The document, its JSON Schema's own files and the folders that are Chimera's own count. Refuses to
speak of files that the change leaves alone, and where no tree is compared with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from chimera.documents import Globs, PartialTree
from chimera.kinds import Document, Model, NoMemo, RepositorySpec, Subject
from chimera.model import (
    Action,
    Address,
    Diagnostic,
    Finding,
    PathSet,
    Related,
    Severity,
    Target,
    Verdict,
    is_dormant,
)
from chimera.policy.schemas.answers import Answer
from chimera.policy.schemas.checker import Checker
from chimera.policy.schemas.definition import define
from chimera.policy.schemas.hearing import Hearing
from chimera.policy.schemas.holder import Holder, Schema, holder_of
from chimera.policy.schemas.kinds import SchemaSpec

_LOOSENED = (Action.UPDATE, Action.DELETE)


def judge_former(subject: Subject, checker: Checker, told: Iterable[Verdict]) -> Iterator[Verdict]:
    """Yield what Schemas, as they were, refuse of changed files, but for what is `told` already."""
    before, schemas = subject.former, former_schemas(subject)
    if before is None or not schemas:
        return
    paths = _changed_files(subject)
    files = replace(before, tree=PartialTree(subject.snapshot.tree, paths))
    memo = NoMemo()
    holders = {str(s.address): holder_of(s, define(s, before.tree), checker, memo) for s in schemas}
    sound = {name: holder for name, holder in holders.items() if holder.is_sound}
    known = {(d.rule, d.where) for verdict in told for d in verdict.diagnostics if _refuses(d)}
    hearing = Hearing(replace(subject, snapshot=files, memo=memo), sound, checker)
    for position, answer in hearing.answers():
        for holder in hearing.holders(answer.path):
            faults = [
                f for f in _faults(holder, position, answer) if (f.rule, f.where) not in known
            ]
            known |= {(fault.rule, fault.where) for fault in faults}
            if faults:
                yield _verdict(holder.schema, answer.path, faults, subject)


def former_schemas(subject: Subject) -> list[Schema]:
    """Return the Schemas that the change may have loosened, as they were, by address; none where it
    changes no file that any is about.

    Those that it edits, deletes or lulls; those of whose JSON Schema a file differs; and all where
    it changes what folders are Chimera's own.
    """
    before, paths = subject.former, _changed_files(subject)
    if before is None or not paths:
        return []
    changes = {change.target: change.action for change in subject.changes or ()}
    moved = any(
        isinstance(target, Address) and _is_repository(target, subject) for target in changes
    )
    return [
        schema
        for schema in before.of_model(SchemaSpec)
        if changes.get(schema.address) in _LOOSENED
        or (_acts(schema, changes, subject) and (moved or _differs(schema, paths, subject)))
    ]


def _is_repository(target: Address, subject: Subject) -> bool:
    return target.kind == subject.snapshot.registry.of_model(RepositorySpec).name


def _acts(schema: Schema, changes: Mapping[Target, Action], subject: Subject) -> bool:
    """Tell whether a Schema that says what it said acted before: one that wakes now did not."""
    is_new = changes.get(schema.address) is Action.CREATE
    return not is_new and not is_dormant(subject.placed(schema.address))


def _differs(schema: Schema, paths: Collection[str], subject: Subject) -> bool:
    """Tell whether any file of a Schema's JSON Schema is among the `paths` that differ."""
    spec = schema.spec
    named = [*spec.uses, *([spec.file] if spec.file else [])]
    return bool(named) and any(map(Globs(named).matches, paths))


def _changed_files(subject: Subject) -> frozenset[str]:
    """Return the governed paths that differ, which are all that any Schema is about."""
    sets = (c for c in subject.changes or () if isinstance(c.target, PathSet))
    return frozenset(path for change in sets for path in change.paths)


def _faults(holder: Holder, position: int, answer: Answer) -> Iterator[Diagnostic]:
    for verdict in holder.take(position, answer):
        yield from filter(_refuses, verdict.diagnostics)


def _refuses(fault: Diagnostic) -> bool:
    return fault.severity is Severity.ERROR


def _verdict(schema: Schema, path: str, faults: Iterable[Diagnostic], subject: Subject) -> Verdict:
    name = str(schema.address)
    present = subject.snapshot.get(schema.address)
    said = tuple(_as_it_was(fault, name, present) for fault in faults)
    reasons = tuple(dict.fromkeys(fault.message for fault in said))
    return Verdict(name, path, Finding.FAIL, reasons, said)


def _as_it_was(fault: Diagnostic, name: str, present: Document[Model] | None) -> Diagnostic:
    """Return a fault that cites the Schema as it is now: where it stood, others may stand."""
    return replace(
        fault,
        message=f"{name}, as it was before this change, refuses: {fault.message}",
        help=f"correct it, or change {name} and the files of its schema first, in a change of "
        "its own",
        related=(Related(f"{name} is here", present.place),) if present is not None else (),
    )
