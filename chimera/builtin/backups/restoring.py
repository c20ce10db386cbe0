"""Bringing back what a backup holds: made ready beside the present state, checked, exchanged.

Refuses while anything writes to the state, to put in place what does not check out, and to lose
what was there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chimera.builtin.backups.carrying import Carried, carry
from chimera.builtin.backups.choosing import Backup
from chimera.builtin.backups.manifest import BackupError, Manifest
from chimera.builtin.backups.replacing import (
    is_unfinished,
    kept_ref,
    last_kept,
    make_draft,
    mark_kept,
    put_in_place,
    rescue,
    settle,
)
from chimera.builtin.backups.staging import (
    REF,
    Staged,
    complaints,
    faults_of,
    require_known,
    write_out,
)
from chimera.builtin.backups.store import Store
from chimera.context import Context
from chimera.documents.bundles import ref_tip, unpack_bundle
from chimera.model import Outcome, StateError, UsageError
from chimera.state import Holding, Json, Layout, RunStatus
from chimera.state.backing import settle_copy
from chimera.state.lock import hold
from chimera.state.rewinding import Rewound, rewind
from chimera.workspace.opening import prepare_folder

_NAMED = 5
_GOING = {status.value for status in RunStatus if not status.is_final} - {RunStatus.FAILED.value}


@dataclass(frozen=True, slots=True)
class Restored:
    """What is in place now, and where what was there is kept."""

    name: str
    manifest: Manifest | None
    kept: Path | None
    carried: Carried
    going: tuple[str, ...] = ()
    """Runs that had not ended at that moment: they go on from there."""
    rewound: Rewound | None = None
    is_undone: bool = False


def restore(
    root: Path,
    context: Context,
    store: Store,
    backup: Backup,
    holdings: Sequence[Holding],
    *,
    run: str | None = None,
    accepts_faults: bool = False,
    wait: float | None = None,
) -> Restored:
    """Put a backup in the place of the present state, which is kept; with `run`, as it ended.

    Raises `BackupError` where the backup is damaged or the end of the run cannot be had exactly,
    `StateError` where the state is in use: nothing has changed then.
    """
    layout = Layout(root)
    require_known(backup.name, backup.manifest)
    with _holding(layout, context, f"restore {backup.name}", wait):
        settle(layout, context.clock.now())
        try:
            ready = make_draft(layout, backup.manifest.evidence)
            staged = write_out(store, backup.manifest, ready.root, context.progress, lasts=True)
            _require_whole(backup.name, staged, holdings, accepts=accepts_faults)
            rewound = _rewind(backup.name, staged, run)
            carried = carry(layout, staged.layout, holdings)
            kept = _exchange(layout, context, staged)
        except BaseException:
            settle(layout, context.clock.now())  # removes what was made ready, or finishes
            raise
    going = [one.uid for one in backup.manifest.runs if one.status in _GOING]
    if rewound is not None:
        going = list(rewound.interrupted)
    return Restored(backup.name, backup.manifest, kept, carried, tuple(going), rewound)


def undo(
    root: Path, context: Context, holdings: Iterable[Holding], wait: float | None = None
) -> Restored:
    """Put back what the last restore replaced; what is there now is kept in its turn."""
    layout = Layout(root)
    with _holding(layout, context, "restore --undo", wait):
        now = context.clock.now()
        settle(layout, now)
        kept = last_kept(layout)
        ready = Layout(layout.restoring)
        mark_kept(kept, kept_ref(layout, kept.name))
        ready.root.mkdir(mode=0o700)
        (ready.root / ".gitignore").write_text("*\n", encoding="utf-8")
        kept.rename(ready.folder)
        carried = carry(layout, ready, holdings)
        with _locked(ready, context, "restore --undo"):
            put_in_place(layout)
            replaced = settle(layout, now)
    return Restored(kept.name, None, replaced, carried, is_undone=True)


def finish(root: Path, context: Context, wait: float | None = None) -> Path | None:
    """Bring a restore to its end that was killed; return where the old state is kept.

    Raises `UsageError` where there is none.
    """
    layout = Layout(root)
    if not is_unfinished(layout):
        raise UsageError(
            "nothing says what is to be restored",
            help="name a backup, or latest: `chimera backup list` says which there are",
        )
    with _holding(layout, context, "restore", wait):
        return settle(layout, context.clock.now())


@contextmanager
def _holding(layout: Layout, context: Context, command: str, wait: float | None) -> Iterator[None]:
    """Hold the state, whatever was left of it by a restore that died."""
    rescue(layout)
    prepare_folder(layout.root)
    with _locked(layout, context, command, wait):
        yield


@contextmanager
def _locked(
    layout: Layout, context: Context, command: str, wait: float | None = None
) -> Iterator[None]:
    with hold(layout.lock, context, command, wait=wait):
        yield


def _require_whole(
    name: str, staged: Staged, holdings: Iterable[Holding], *, accepts: bool
) -> None:
    """Raise `BackupError` for a backup whose core is damaged, or of which a room complains."""
    faults = list(faults_of(staged, staged.root / "scratch"))
    if faults:
        raise BackupError(
            f"the backup {name} cannot be relied on: {_listed(faults)}",
            help="nothing was changed: restore an earlier one, which `chimera backup list` names",
        )
    complained = [] if accepts else list(complaints(staged, holdings))
    if complained:
        raise BackupError(
            f"the backup {name} has files that were damaged before it was made:"
            f" {_listed(complained)}",
            help="nothing was changed: restore an earlier one, or this one all the same with"
            " --accept-faults",
        )


def _listed(faults: Sequence[str]) -> str:
    more = f"; and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
    return "; ".join(faults[:_NAMED]) + more


def _rewind(name: str, staged: Staged, run: str | None) -> Rewound | None:
    """Take the copy back to the end of a run; raises `BackupError` where that is not exact."""
    if run is None:
        return None
    found = rewind(staged.layout, run, _actions)
    if found.obstacles:
        raise BackupError(
            f"the state cannot be brought to the end of run {run}: {'; '.join(found.obstacles)}",
            help=f"nothing was changed. `chimera restore {name}` restores the backup as it is: it"
            " has the run as it ended, and what came after",
        )
    wrong = settle_copy(staged.layout)
    if wrong:
        raise StateError(f"the state brought to the end of run {run} is not whole: {wrong[0]}")
    return found


def _actions(ruling: Json) -> Iterator[tuple[str, str]]:
    """Yield what a ruling that passed let be done to which targets."""
    try:
        if ruling["outcome"] == Outcome.PASSED.value:
            yield from [(item["target"], item["action"]) for item in ruling["items"]]
    except (KeyError, TypeError) as error:
        raise BackupError(
            "a ruling in the backup cannot be read, and what it let through is not known",
            help="nothing was changed: restore the backup as it is, without --run",
        ) from error


def _exchange(layout: Layout, context: Context, staged: Staged) -> Path | None:
    """Put what is ready in its place, and return where the old state is kept."""
    commit = staged.manifest.evidence
    if commit is not None and commit != ref_tip(layout.root, REF):
        unpack_bundle(layout.root, staged.bundle, REF, commit)  # a ref is set once it is in place
    with _locked(staged.layout, context, "restore"):
        put_in_place(layout)
        return settle(layout, context.clock.now())
