"""What a proof is bound to: the paths its inputs name, and the digests that stand for them.

The subjects of evidence are one digest for each input pattern and one for the proof's own
document, never the root: what is not an input can change without making evidence stale. Refuses
records as inputs (DESIGN §4): to commit the record of a proving must not undo it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from chimera.context import variable_marks
from chimera.documents import Globs, Tree
from chimera.kinds import Document, Snapshot
from chimera.model import Digest, digest_bytes, digest_json, digest_paths
from chimera.proof.kinds import ProofSpec

ANY_ENGINE = "any"
"""What stands for the engine in the binding of a proof that lets in evidence of any."""


@dataclass(frozen=True, slots=True, order=True)
class ContentSubject:
    """One thing that evidence is about: an input pattern or a document, with its digest."""

    name: str
    digest: Digest


def input_paths(proof: Document[ProofSpec], snapshot: Snapshot) -> tuple[str, ...]:
    """Return the paths of the tree that the proof's steps are given, sorted."""
    every = (entry.path for entry in snapshot.tree.entries())
    chosen = Globs(proof.spec.inputs).filter(every)
    records = record_files(snapshot)
    return tuple(path for path in chosen if path not in records)


def record_files(snapshot: Snapshot) -> frozenset[str]:
    """Return the files that hold records and nothing else."""
    desired = {document.place.path for document in snapshot.desired}
    return frozenset(d.place.path for d in snapshot.records) - desired


def content_subjects(proof: Document[ProofSpec], snapshot: Snapshot) -> tuple[ContentSubject, ...]:
    """Return the subjects of evidence for the proof over the snapshot's tree, sorted by name."""
    return subjects_of(proof, snapshot.tree, input_paths(proof, snapshot))


def subjects_of(
    proof: Document[ProofSpec], tree: Tree, paths: Iterable[str]
) -> tuple[ContentSubject, ...]:
    """Return the subjects of evidence for the proof when `paths` of `tree` are its inputs."""
    paths = tuple(paths)
    found = {str(proof.address): proof.digest}
    for pattern in proof.spec.inputs:
        found[pattern] = tree.digest(Globs((pattern,)).filter(paths))
    return tuple(ContentSubject(name, digest) for name, digest in sorted(found.items()))


def binding(proof: str, subjects: Iterable[ContentSubject], engine: Digest) -> Digest:
    """Return the digest of everything that evidence must fit in order to count."""
    return digest_json(
        {
            "proof": proof,
            "subjects": [[subject.name, subject.digest] for subject in subjects],
            "engine": engine,
        }
    )


def binding_of(proof: Document[ProofSpec], subjects: Iterable[ContentSubject]) -> Digest:
    """Return the binding of the proof's own evidence: by this engine, or by any that it lets in."""
    engine = ANY_ENGINE if proof.spec.engine == ANY_ENGINE else engine_digest()
    return binding(str(proof.address), subjects, engine)


def same_variables(proof: Document[ProofSpec], statement: Mapping[str, Any]) -> bool:
    """Tell whether evidence was proven under the values that the allowed variables have here.

    It says nothing of whether the evidence counts: it is where a proof would be run again that
    another value may bring out something else.
    """
    environment = statement["predicate"].get("environment")
    proven = environment.get("values") if isinstance(environment, dict) else None
    return bool(proven == variable_marks(proof.spec.environment.allow))


@cache
def engine_digest() -> Digest:
    """Return the digest of the engine's own sources, which is its version.

    Computed once a process; edits of a running engine are not seen by it.
    """
    root = Path(__file__).parents[1]
    return digest_paths(
        (path.relative_to(root).as_posix(), "100644", digest_bytes(path.read_bytes()))
        for path in root.rglob("*.py")
    )
