"""Going back: what an environment would hold if it held again what a commit said.

Desired documents and paths are those of that commit, all of them or only some targets; records are
those of now, so that what happened since still binds. The road is the ordinary one: planned against
the applied state, proven, weighed, applied. Refuses a commit that is not behind the present one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chimera.documents import Globs, OverlayTree, RawDocument, export, head, is_contained
from chimera.kinds import Document, Loaded, Model, load_values, suggestion
from chimera.model import (
    Address,
    ChimeraError,
    PathSet,
    Target,
    UsageError,
    digest_json,
    has_errors,
)
from chimera.plan import Plan, governed_globs
from chimera.proof import ProofSpec

if TYPE_CHECKING:
    from chimera.kinds import Snapshot
    from chimera.state import StateReader
    from chimera.workspace.planning import PlanReport
    from chimera.workspace.workspace import Workspace

_FOLDER = Path(".chimera") / "rollbacks"
"""Where what is executed while going back finds the files as they were."""


@dataclass(frozen=True)
class Back:
    """To which commit, and for which targets: every one if none is named."""

    to: str
    only: tuple[Target, ...] = ()

    def takes(self, target: Target) -> bool:
        """Tell whether a target goes back."""
        return not self.only or target in self.only


def load_back(workspace: Workspace, environment: str, back: Back) -> Loaded:
    """Return the documents and paths that an environment would go back to, with today's records.

    Raises `UsageError` for a commit that is not in the history of the one that is checked out.
    """
    then = workspace.commit(back.to)
    revision = then.snapshot.tree.revision or ""
    present = head(workspace.root)
    if present is None or not is_contained(workspace.root, revision, present):
        raise UsageError(
            f"the commit {revision[:12]} is not behind the one that is checked out",
            help="a rollback goes back: name a commit of `git log`",
        )
    now = workspace.for_environment(environment)
    is_then = _whole(now.snapshot) if not back.only else _some(now.snapshot, then.snapshot, back)
    tree = OverlayTree(now.snapshot.tree, then.snapshot.tree, is_then)
    raws = [
        RawDocument(document.place.path, document.place.index, dict(document.value))
        for document in _kept(now.snapshot, then.snapshot, back)
    ]
    loaded = load_values(tree, raws, workspace.registry)
    unread = tuple(d for d in then.diagnostics if has_errors((d,)) and _is_of_none(d.address, then))
    return replace(loaded, diagnostics=(*loaded.diagnostics, *unread))


def _kept(now: Snapshot, then: Snapshot, back: Back) -> Iterator[Document[Model]]:
    for document in now.documents.values():
        if document.kind.record or not back.takes(document.address):
            yield document
    yield from (document for document in then.desired if back.takes(document.address))


def _is_of_none(address: str | None, loaded: Loaded) -> bool:
    """Tell whether a fault is of no document that could be read."""
    return address is None or loaded.snapshot.get(Address.parse(address)) is None


def _whole(now: Snapshot) -> Callable[[str], bool]:
    """Return that every path goes back, but those at which records stand now."""
    records = {document.place.path for document in now.records}
    return lambda path: path not in records


def _some(now: Snapshot, then: Snapshot, back: Back) -> Callable[[str], bool]:
    """Return which paths go back with some targets: of a document its file, and what it declares.

    So do the inputs of proofs that cover them: what was shown of the old content was shown with
    the tests that it had.
    """
    globs = {glob for target in back.only if isinstance(target, PathSet) for glob in target.globs}
    for proof in (*now.of_model(ProofSpec), *then.of_model(ProofSpec)):
        if any(_may_cover(proof.spec, target) for target in back.only):
            globs.update(proof.spec.inputs)
    paths = set()
    for address in (target for target in back.only if isinstance(target, Address)):
        for document in filter(None, (now.get(address), then.get(address))):
            paths.add(document.place.path)
            if document.kind.executable:
                globs.update(governed_globs(document))
    chosen = Globs(sorted(globs)) if globs else None
    return lambda path: path in paths or (chosen is not None and chosen.matches(path))


def _may_cover(proof: ProofSpec, target: Target) -> bool:
    covers = proof.covers
    if isinstance(target, PathSet):
        return bool(covers.paths) and PathSet.of(covers.paths) == target
    return covers.names_documents and (not covers.kinds or target.kind in covers.kinds)


def plan_back(
    workspace: Workspace,
    environment: str,
    back: Back,
    *,
    state: StateReader | None = None,
    loaded: Loaded | None = None,
) -> PlanReport:
    """Plan to go back; raises `UsageError` for a target that is not among what could."""
    loaded = loaded or load_back(workspace, environment, back)
    report = workspace.make_plan(environment, state=state, loaded=loaded, only=back.only or None)
    known = {item.change.target for item in report.plan.items}
    for target in back.only:
        if target not in known:
            raise UsageError(
                f"neither {environment} nor {back.to[:12]} has {target}",
                help=suggestion(
                    str(target), (), "`chimera rollback plan --to REV` lists what differs"
                ),
            )
    return report


def lay_out(workspace: Workspace, plan: Plan, snapshot: Snapshot) -> None:
    """Have what is executed find the files as they were, where it declares any.

    They are written anew below `.chimera/rollbacks`, in a folder named by what they are, so that
    what is tried again finds there what it left.
    """
    tree = snapshot.tree
    assert isinstance(tree, OverlayTree)
    if not any(_reads(snapshot, item.change.target) for item in plan.changing if item.change.after):
        return
    entries = tree.entries()
    name = digest_json([[entry.path, entry.mode, entry.id] for entry in entries])[7:19]
    folder = workspace.root / _FOLDER / f"{(tree.revision or '')[:12]}-{name}"
    try:
        _clear(folder, [entry.path for entry in entries])
        export(tree, [entry.path for entry in entries], folder)
    except OSError as error:
        raise ChimeraError(
            f"the files as they were cannot be laid out: {error.strerror}",
            help=f"make room at {folder.parent}, then run the same command again",
        ) from error
    tree.root = folder


def _reads(snapshot: Snapshot, target: Target) -> bool:
    document = snapshot.get(target) if isinstance(target, Address) else None
    return document is not None and document.kind.executable and bool(governed_globs(document))


def _clear(folder: Path, paths: Collection[str]) -> None:
    """Remove files of an earlier try, which it may have changed or made links of."""
    for path in paths if folder.is_dir() else ():
        file = folder / path
        if file.is_symlink() or file.is_file():
            file.unlink()
