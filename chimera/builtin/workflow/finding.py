"""Finding the workflows that cannot be judged by themselves: those that run others, or have CEL.

They are those of which no verdict was given by itself: that is kept, so that a check in which
nothing changed imports nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chimera.builtin.workflow.kinds import WorkflowSpec
    from chimera.kinds import Document, Snapshot


def open_workflows(snapshot: Snapshot) -> Iterator[Document[WorkflowSpec]]:
    """Yield the workflows that need other documents, or CEL, to be judged."""
    for shard in snapshot.shards:
        rows = shard.rows_of({"Workflow"})
        if not rows:
            continue
        judged = {row for row, told in shard.outline.told if told.judge == "workflow"}
        judged.update(shard.outline.passed.get("workflow", ()))
        for row in rows:
            if row not in judged:
                document: Any = shard.documents[row]
                yield document
