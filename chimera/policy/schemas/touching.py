"""Which Schemas a change of files concerns. Refuses to judge: that is `judge`'s."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.kinds import Governs, Subject
from chimera.model import PathSet, Touch, is_dormant
from chimera.policy.schemas.former import former_schemas
from chimera.policy.schemas.kinds import SchemaSpec


def touch_schemas(subject: Subject) -> Iterator[Touch]:
    """Yield each Schema with the change of the files that it claims or is made of.

    And each that the change may have loosened, by what it claimed before.
    """
    changes = {c.target: c for c in subject.changes or () if c.changes}
    if not changes:
        return
    present = [
        schema
        for schema in subject.snapshot.of_model(SchemaSpec)
        if not is_dormant(subject.placed(schema.address))
    ]
    found = {}
    for schema in (*present, *former_schemas(subject)):
        globs = [mark.value for mark in schema.marks if isinstance(mark.mark, Governs)]
        change = changes.get(PathSet.of(globs))
        if change is not None:
            found[schema.address, change.target] = change
    for (address, target), change in found.items():
        asks = ("keeping to its JSON Schema",)
        yield Touch(str(address), address, target, change.paths, asks)
