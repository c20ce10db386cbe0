"""Finding the workflows whose stages name claims.

Which these are, and where, is remembered by shard, so that a check in which nothing changed reads
no workflow. Refuses to look at claims: `checking` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chimera.model import digest_json

if TYPE_CHECKING:
    from chimera.kinds import Document, Model, Snapshot

    Use = tuple[int, int, str]
    """A stage, the place among the claims that it names, and the name there."""
    Claiming = tuple[Document[Model], list[Use]]


def claiming_workflows(snapshot: Snapshot) -> Iterator[Claiming]:
    """Yield the workflows that name claims, and where they do."""
    for shard in snapshot.shards:
        rows = shard.rows_of({"Workflow"})
        if not rows:
            continue
        key = digest_json(["resource-claims/1", shard.key])
        found: Any = snapshot.memo.get(key)
        if found is None:
            uses = ((row, list(_uses(shard.documents[row]))) for row in rows)
            found = [one for one in uses if one[1]]
            snapshot.memo.put(key, found)
        for row, named in found:
            yield shard.documents[row], named


def _uses(workflow: Document[Model]) -> Iterator[Use]:
    """Yield the claims that stages name, as far as they are no references."""
    for index, stage in enumerate(workflow.value.get("spec", {}).get("stages", ())):
        if not isinstance(stage, Mapping) or stage.get("operation") != "resources.allocate":
            continue
        inputs = stage.get("inputs")
        names = inputs.get("claims", ()) if isinstance(inputs, Mapping) else ()
        for number, name in enumerate(names if isinstance(names, list) else ()):
            if isinstance(name, str) and "${" not in name:
                yield index, number, name
