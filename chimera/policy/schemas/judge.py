"""Judging foreign files by the Schemas that claim them: a verdict for each file and Schema.

A file that cannot be read or decided fails. A Schema that meets no document is not exercised, and
neither is a document that no Schema selects.
"""

from __future__ import annotations

from chimera.kinds import Subject
from chimera.model import Verdict, is_dormant
from chimera.policy.isolation import Bounds
from chimera.policy.schemas.checker import Checker
from chimera.policy.schemas.definition import define
from chimera.policy.schemas.former import judge_former
from chimera.policy.schemas.hearing import Hearing
from chimera.policy.schemas.holder import holder_of, idle
from chimera.policy.schemas.kinds import SchemaSpec
from chimera.policy.schemas.selecting import of_unselected

_BOUNDS = Bounds()


def judge_schemas(subject: Subject, bounds: Bounds = _BOUNDS) -> list[Verdict]:
    """Return the verdicts of every Schema of the subject's snapshot.

    And of the Schemas that a change of it may have loosened, as they were.
    """
    schemas = subject.snapshot.of_model(SchemaSpec)
    if not schemas and subject.former is None:
        return []
    dormant = {s.address for s in schemas if is_dormant(subject.placed(s.address))}
    why = "it stands in a dormant layer, for which nothing acts"
    verdicts = [idle(schema, why) for schema in schemas if schema.address in dormant]
    with Checker(subject.context.processes, bounds) as checker:
        holders = {
            str(schema.address): holder_of(
                schema, define(schema, subject.snapshot.tree), checker, subject.memo
            )
            for schema in schemas
            if schema.address not in dormant
        }
        hearing = Hearing(subject, holders, checker)
        for position, answer in hearing.answers():
            for holder in hearing.holders(answer.path):
                verdicts += holder.take(position, answer)
            verdicts += of_unselected(answer)
        for holder in holders.values():
            verdicts += holder.close()
        verdicts += [*judge_former(subject, checker, verdicts)]
    return verdicts
