"""From a snapshot and what was there before, to a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from chimera.documents import Globs, Tree, is_link
from chimera.kinds import (
    Document,
    EnvironmentFacts,
    Governs,
    Model,
    Snapshot,
    change_of,
)
from chimera.model import (
    Action,
    Address,
    Change,
    ChimeraError,
    Digest,
    Obligation,
    PathSet,
    Placement,
    Target,
    digest_json,
    is_dormant,
)
from chimera.plan.plan import Plan, PlanItem


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a snapshot is compared with: digests by target, and what to call it."""

    name: str
    digests: Mapping[Target, Digest]


def governed_globs(document: Document[Model]) -> tuple[str, ...]:
    """Return the globs of paths that a document governs."""
    return tuple(sorted({f.value for f in document.marks if isinstance(f.mark, Governs)}))


def target_digests(snapshot: Snapshot) -> dict[Target, Digest]:
    """Return the digest of every target of a snapshot: desired documents and governed path sets.

    An executable document that declares paths is bound to their content as well, so that it runs
    again when they change.
    """
    digests: dict[Target, Digest] = {}
    paths = Paths(snapshot.tree)
    for document in snapshot.desired:
        globs = governed_globs(document)
        digests[document.address] = document.digest
        if not globs:
            continue
        governed = PathSet.of(globs)
        found = paths.digest(governed)
        if document.kind.executable:
            digests[document.address] = digest_json({"document": document.digest, "paths": found})
        elif found is not None:
            digests[governed] = found
    return digests


def governed_paths(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the paths of the tree that any desired document governs, sorted."""
    globs = sorted({glob for document in snapshot.desired for glob in governed_globs(document)})
    if not globs:
        return ()
    return tuple(Globs(globs).select([entry.path for entry in snapshot.tree.entries()]))


class Paths:
    """The tree's paths, listed only if anything is governed, and the digests of sets of them."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._paths: list[str] | None = None
        self._links: list[str] = []
        self._digests: dict[PathSet, Digest | None] = {}

    def select(self, governed: PathSet) -> list[str]:
        """Return the paths of a set, with links that stand where it goes through a folder."""
        if self._paths is None:
            entries = self._tree.entries()
            self._paths = [entry.path for entry in entries]
            self._links = [entry.path for entry in entries if is_link(entry)]
        globs = Globs(governed.globs)
        found, links = globs.select(self._paths), filter(globs.leads_to, self._links)
        return sorted({*found, *links})

    def digest(self, governed: PathSet) -> Digest | None:
        """Return the digest of the set's content, `None` where no path matches."""
        if governed not in self._digests:
            selected = self.select(governed)
            self._digests[governed] = self._tree.digest(selected) if selected else None
        return self._digests[governed]


def compute_changes(
    snapshot: Snapshot,
    baseline: Baseline,
    placements: Mapping[Address, tuple[Placement, ...]],
) -> tuple[Change, ...]:
    """Compare a snapshot with digests: one change a target, `no-op` included, documents first.

    Of a path set that changes all paths are listed: digests do not tell which of them differ. A
    document of a dormant layer is never created or updated; one that was applied while its
    layer was active is deleted.
    """
    after = target_digests(snapshot)
    targets = sorted(after.keys() | baseline.digests.keys(), key=_order)
    return tuple(_changes(targets, baseline, after, snapshot, placements))


def _order(target: Target) -> tuple[bool, str]:
    return isinstance(target, PathSet), str(target)


def _changes(
    targets: Iterable[Target],
    baseline: Baseline,
    after: Mapping[Target, Digest],
    snapshot: Snapshot,
    placements: Mapping[Address, tuple[Placement, ...]],
) -> Iterator[Change]:
    paths = Paths(snapshot.tree)
    for target in targets:
        before = baseline.digests.get(target)
        change = change_of(target, before, after.get(target), baseline.name)
        if isinstance(target, PathSet) and change.action is not Action.NO_OP:
            reason = "is governed now" if change.action is Action.CREATE else change.reason
            yield replace(change, reason=reason, paths=tuple(paths.select(target)))
        elif isinstance(target, Address) and is_dormant(placements.get(target, ())):
            yield as_dormant(change)
        else:
            yield change


def as_dormant(change: Change) -> Change:
    """Return the change of a document that stands in a dormant layer: it is not to be there."""
    reason = "stands in a dormant layer"
    if change.before is None:
        return replace(change, action=Action.NO_OP, reason=reason)
    return replace(change, action=Action.DELETE, after=None, reason=reason)


def as_moved(
    change: Change, files: tuple[str, str], left: Iterable[str], entered: Iterable[str]
) -> Change:
    """Return the change of a document whose file moved, and with it the layers it stands in."""
    before, after = (", ".join(names) or "no layer" for names in (left, entered))
    return replace(
        change,
        action=Action.UPDATE,
        reason=f"moved from {files[0]} to {files[1]}, and so from {before} to {after}",
        paths=tuple(sorted(files)),
    )


def build_plan(
    environment: EnvironmentFacts,
    baseline: Baseline,
    changes: Iterable[Change],
    placements: Mapping[Address, tuple[Placement, ...]],
    obligations: Iterable[Obligation],
    waivers: Callable[[Target], Iterable[tuple[Address, Digest]]] = lambda target: (),
) -> Plan:
    """Put changes and what they owe together; pure. `waivers` tells which speak of a target.

    Raises `ChimeraError` for an obligation of a target that the plan lacks: it would be lost.
    """
    changes = tuple(changes)
    owed: dict[Target, set[Obligation]] = {change.target: set() for change in changes}
    for obligation in obligations:
        if obligation.target not in owed:
            raise ChimeraError(
                f"{obligation.source} asks for {obligation.subject} of {obligation.target},"
                " which is not in the plan",
                help="fix the plugin that asks: an obligation is of one of the subject's changes",
            )
        owed[obligation.target].add(obligation)
    items = []
    for change in changes:
        placed = placements.get(change.target, ()) if isinstance(change.target, Address) else ()
        mine = sorted(
            owed[change.target],
            key=lambda o: (o.kind, o.subject, str(o.source), o.detail, o.reason),
        )
        layers = tuple(p.layer for p in placed)
        passing = tuple(sorted(waivers(change.target)))
        items.append(PlanItem(change, layers, is_dormant(placed), tuple(mine), passing))
    return Plan(environment.name, environment.protected, baseline.name, tuple(items))
