"""What a guard's scope means: of changes, and of runs with the workflows that they run inside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chimera.builtin.guards.kinds import GuardScope
from chimera.kinds import Subject, in_scope, references_of
from chimera.model import Address, Change


def stops(scope: GuardScope, change: Change, subject: Subject) -> bool:
    """Tell whether a scope means a change, or the run of a document.

    What runs another document is meant where that one is.
    """
    here = f"Environment/{subject.environment.name}"
    if scope.environments and here not in scope.environments:
        return False
    return any(_means(scope, one, subject) for one in _with_inner(change, subject))


def named(scope: GuardScope) -> dict[str, tuple[str, ...]]:
    """Return what a scope names, by the names of its fields; nothing where it means everything."""
    fields = ("environments", "kinds", "layers", "addresses", "paths")
    return {field: getattr(scope, field) for field in fields if getattr(scope, field)}


def _means(scope: GuardScope, change: Change, subject: Subject) -> bool:
    if str(change.target) in scope.addresses:
        return True
    names_others = bool(scope.kinds or scope.layers or scope.paths)
    return (names_others or not scope.addresses) and in_scope(scope, change, subject)


def _with_inner(change: Change, subject: Subject) -> Iterator[Change]:
    """Yield a change, and it as one of each document that its target executes, also inside."""
    yield change
    if not isinstance(change.target, Address):
        return
    left, seen = [change.target], {change.target}
    while left:
        document = subject.snapshot.get(left.pop())
        if document is None or not document.kind.executable:
            continue
        for use in references_of(document):
            inner = subject.snapshot.get(use.target)
            if inner is not None and inner.kind.executable and use.target not in seen:
                seen.add(use.target)
                left.append(use.target)
                yield replace(change, target=use.target, paths=())
