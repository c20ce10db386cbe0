"""Which definitions may run a command or give a secret away, as they stand in the tree.

Those that were applied here, and those that a ref has which somebody named in CHIMERA_TRUST_REF.
Refuses the tree's own word, and `origin/HEAD`: whoever looks at a clone has trusted nobody yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chimera.kinds import Document

if TYPE_CHECKING:
    from chimera.state import StateReader
    from chimera.workspace import Workspace

HELP = "`chimera apply --env {}` applies it, or name a ref to trust that has it: CHIMERA_TRUST_REF"


def is_vouched_for(
    workspace: Workspace, state: StateReader, environment: str, document: Document[Any]
) -> bool:
    """Tell whether a definition is the one that was applied, or the trust ref's."""
    held = state.held(environment, str(document.address))
    if held is not None and held.digest == document.digest:
        return True
    if workspace.context.trust_ref is None or workspace.trust is None:
        return False
    there = workspace.trust.loaded.snapshot.get(document.address)
    return there is not None and there.digest == document.digest
