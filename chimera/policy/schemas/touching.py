"""Which Schemas a change of files concerns. Refuses to judge: that is `judge`'s."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.kinds import Governs, Subject
from chimera.model import PathSet, Touch, is_dormant
from chimera.policy.schemas.kinds import SchemaSpec


def touch_schemas(subject: Subject) -> Iterator[Touch]:
    """Yield each Schema with the change of the files that it claims or is made of."""
    changes = {c.target: c for c in subject.changes or () if c.changes}
    for schema in subject.snapshot.of_model(SchemaSpec) if changes else ():
        globs = [found.value for found in schema.marks if isinstance(found.mark, Governs)]
        change = changes.get(PathSet.of(globs))
        if change is not None and not is_dormant(subject.placed(schema.address)):
            asks = ("keeping to its JSON Schema",)
            yield Touch(str(schema.address), schema.address, change.target, change.paths, asks)
