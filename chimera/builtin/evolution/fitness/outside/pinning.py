"""What a run with a fitness from outside is pinned to: the code and the workflows that it uses.

The whole content of the paths that a document governs is part of what an apply compares; this is
what a run that goes on after a crash is held against. Refuses to go on with another module.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.fitness.outside.modules import digest_of
from chimera.documents import Globs
from chimera.kinds import Reference
from chimera.model import Address, digest_json
from chimera.runtime import PermanentError

if TYPE_CHECKING:
    from chimera.builtin.evolution.spec.evolution import EvolutionSpec
    from chimera.kinds import Snapshot

_MOST_WORKFLOWS = 1000


def pin(spec: EvolutionSpec, snapshot: Snapshot, root: Path) -> dict[str, Any]:
    """Return what the fitness follows from besides the spec; nothing for one inside."""
    fitness = spec.fitness
    if fitness.python is not None:
        return {"module": digest_of(root, fitness.python.module), **_paths(spec, snapshot)}
    if fitness.workflow is not None:
        found = _workflows(fitness.workflow.address, snapshot)
        own = found.pop(fitness.workflow.address)
        return {"spec": own, "workflows": found, **_paths(spec, snapshot)}
    return _paths(spec, snapshot) if fitness.operation is not None else {}


def verify(spec: EvolutionSpec, pinned: Mapping[str, Any], root: Path) -> None:
    """Raise `PermanentError` where the module is not the one that the run began with."""
    python, module = spec.fitness.python, pinned.get("module")
    if python is not None and module is not None and digest_of(root, python.module) != module:
        raise PermanentError(
            f"{python.module}, or what it imports, has changed since the run began",
            help="apply again: the next run uses it as it is now",
        )


def code_of(pinned: Mapping[str, Any]) -> str:
    """Return the digest of what the fitness follows from besides the spec; empty without any."""
    return digest_json(dict(pinned)) if pinned else ""


def _paths(spec: EvolutionSpec, snapshot: Snapshot) -> dict[str, Any]:
    """Return the digest of the files that the fitness reads."""
    globs = tuple(sorted(set(spec.fitness.paths)))
    if not globs:
        return {}
    found = Globs(globs).select([entry.path for entry in snapshot.tree.entries()])
    return {"paths": snapshot.tree.digest(sorted(found))} if found else {}


def _workflows(address: str, snapshot: Snapshot) -> dict[str, Any]:
    """Return the specs of a workflow and of all that it runs, as they are written, by address."""
    found: dict[str, Any] = {}
    waiting = [address]
    while waiting and len(found) < _MOST_WORKFLOWS:
        name = waiting.pop()
        document = snapshot.get(Address.parse(name))
        if document is None:
            raise PermanentError(
                f"the fitness needs {name}, which is not there", help="write its document"
            )
        if name not in found:
            found[name] = document.value["spec"]
            uses = [str(use.value) for use in document.marks_of(Reference)]
            waiting += [use for use in uses if use.startswith("Workflow/")]
    return found
