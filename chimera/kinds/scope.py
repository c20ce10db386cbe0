"""What stops changes says which: by kind, layer, path and environment, everything if left out.

Refuses to be narrow in doubt: a change of which nobody knows the paths is in every scope of paths.
"""

from __future__ import annotations

from typing import Protocol

from chimera.documents import Globs
from chimera.kinds.subject import Subject
from chimera.model import Change, PathSet


class Scope(Protocol):
    """The fields of such a scope, written as in a selector."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of documents."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers, written contract/id."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Patterns of paths."""

    @property
    def environments(self) -> tuple[str, ...]:
        """Environments, written `Environment/name`."""


def in_scope(scope: Scope, change: Change, subject: Subject) -> bool:
    """Tell whether a scope means a change, as it is or as it was.

    Documents by kind and layer, both if both are named; whatever changes in the paths as well.
    """
    here = f"Environment/{subject.environment.name}"
    if scope.environments and here not in scope.environments:
        return False
    names_documents = bool(scope.kinds or scope.layers)
    if not names_documents and not scope.paths:
        return True
    if scope.paths and _in_paths(scope.paths, change, subject):
        return True
    return names_documents and _is_named(scope, change, subject)


def _in_paths(patterns: tuple[str, ...], change: Change, subject: Subject) -> bool:
    touched = set(change.paths)
    if not isinstance(change.target, PathSet):
        document = subject.snapshot.get(change.target)
        touched |= {subject.former_paths.get(change.target, "")} - {""}
        touched |= {document.place.path} if document is not None else set()
    globs = Globs(patterns)
    return not touched or any(map(globs.matches, touched))


def _is_named(scope: Scope, change: Change, subject: Subject) -> bool:
    target = change.target
    if isinstance(target, PathSet) or (scope.kinds and target.kind not in scope.kinds):
        return False
    standing = (*subject.placed(target), *subject.former_placements.get(target, ()))
    layers = {placement.layer for placement in standing}
    metadata = subject.before.get(target, {}).get("metadata", {})
    layers |= set(metadata.get("layers", ())) if isinstance(metadata, dict) else set()
    return not scope.layers or bool(layers & set(scope.layers))
