"""What the steps of one run wrote, as it is compared: found, normalized, and without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chimera.context import Context
from chimera.documents import Globs, open_work_tree
from chimera.model import ChimeraError
from chimera.proof.kinds import ProofSpec
from chimera.proof.running.normalizers import normalize


@dataclass(frozen=True)
class Artifacts:
    """The content of artifacts by path, what is wrong with them, and what is worth a word."""

    content: Mapping[str, bytes] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def collect(spec: ProofSpec, tree: Path, context: Context, seconds: float) -> Artifacts:
    """Return the artifacts that lie in `tree`; normalizing them may take `seconds`."""
    if not spec.artifacts:
        return Artifacts()
    written = open_work_tree(tree)
    paths = [entry.path for entry in written.entries()]
    found: dict[str, bytes] = {}
    faults: list[str] = []
    notes: list[str] = []
    for artifact in spec.artifacts:
        chosen = Globs((artifact.paths,)).filter(paths)
        if not chosen:
            faults.append(f"no artifact {artifact.paths} was written")
            continue
        files = written.read_many(chosen)
        try:
            normalized, remarks = normalize(files, artifact.normalize, context, seconds)
        except ChimeraError as error:
            faults.append(f"artifact {artifact.paths}: {error.message}")
            continue
        notes += (f"artifact {artifact.paths}: {remark}" for remark in remarks)
        found |= {path: context.secrets.mask_bytes(data) for path, data in normalized.items()}
    return Artifacts(dict(sorted(found.items())), tuple(faults), tuple(notes))
