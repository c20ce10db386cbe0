"""Finding the workflows that cannot be judged by themselves: those that run others, or have CEL.

Which these are is remembered by shard, so that a check in which nothing changed imports nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chimera.model import digest_json

if TYPE_CHECKING:
    from chimera.builtin.workflow.kinds import WorkflowSpec
    from chimera.kinds import Document, Model, Snapshot


def open_workflows(snapshot: Snapshot) -> Iterator[Document[WorkflowSpec]]:
    """Yield the workflows that need other documents, or CEL, to be judged."""
    for shard in snapshot.shards:
        rows = shard.rows_of({"Workflow"})
        if not rows:
            continue
        key = digest_json(["workflow-open/1", shard.key])
        chosen = snapshot.memo.get(key)
        if chosen is None:
            chosen = [row for row in rows if _is_open(shard.documents[row])]
            snapshot.memo.put(key, chosen)
        for row in chosen:
            document: Any = shard.documents[row]
            yield document


def _is_open(document: Document[Model]) -> bool:
    from chimera.builtin.workflow.compile import stands_alone
    from chimera.builtin.workflow.kinds import WorkflowSpec

    return isinstance(document.spec, WorkflowSpec) and not stands_alone(document.spec)
