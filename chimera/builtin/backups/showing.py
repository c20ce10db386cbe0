"""Backups and what became of them, as text for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from chimera.builtin.backups.choosing import Known
from chimera.builtin.backups.creating import Created
from chimera.builtin.backups.manifest import Manifest
from chimera.builtin.backups.restoring import Restored
from chimera.builtin.backups.verifying import Verified
from chimera.render.paint import Paint, count, table, unbroken
from chimera.render.units import shown
from chimera.state import RunStatus

_ENDED = {status.value for status in RunStatus if status.is_final} | {RunStatus.FAILED.value}
_NAMED = 5


def created_text(made: Created, paint: Paint) -> str:
    """Say what was saved and where, and what was not."""
    manifest = made.manifest
    new = shown(made.written, "bytes") if made.written else "nothing"
    size = f"{count(len(manifest.files), 'file')}, {shown(manifest.size, 'bytes')}"
    lines = [
        f"{paint('saved', 'good')} {made.name} in {made.store}",
        f"  {size}, of which {new} had to be written; {_runs(manifest)}",
    ]
    lines += (f"  {paint('left out', 'warn')}: {unbroken(one)}" for one in made.left_out)
    if made.removed:
        freed = shown(made.freed, "bytes")
        lines.append(
            f"  removed {count(len(made.removed), 'older backup')}: {freed} are free again"
        )
    lines += (f"  {paint('nothing was removed', 'warn')}: {one}" for one in made.doubts)
    lines.append("try it out: `chimera backup verify` restores it into a folder of its own")
    return "\n".join(lines)


def created_json(made: Created) -> dict[str, Any]:
    """Return what was saved."""
    return {
        "format": "chimera-backup-created/1",
        "store": str(made.store),
        **_backup_json(made.name, made.manifest),
        "written": made.written,
        "leftOut": list(made.left_out),
        "removed": list(made.removed),
        "doubts": list(made.doubts),
    }


def _runs(manifest: Manifest) -> str:
    going = sum(run.status not in _ENDED for run in manifest.runs)
    more = f", {going} of them not over" if going else ""
    return f"{count(len(manifest.runs), 'run')}{more}"


def list_text(known: Known, store: Path, paint: Paint, uid: str | None = None) -> str:
    """List backups, the newest first; with a run, how each has it."""
    rows = []
    for one in reversed(known.backups):
        m = one.manifest
        row = [one.name, m.at[:19], str(len(m.files)), shown(m.size, "bytes")]
        if uid is None:
            row += [_runs(m), m.origin.path]
        else:
            run = m.run(uid)
            row += [
                run.status if run else "-",
                str(run.event) if run else "-",
                run.at[:19] if run else "-",
            ]
        rows.append(tuple(map(unbroken, row)))
    last = ("RUNS", "OF") if uid is None else (f"RUN {uid}", "LAST EVENT", "AT")
    lines = [f"{count(len(rows), 'backup')} in {store}"]
    if rows:
        lines.append(table(rows, ("BACKUP", "MADE AT (UTC)", "FILES", "SIZE", *last), paint))
    lines += (f"{paint('damaged', 'bad')}: {fault.message}" for fault in known.faults.values())
    return "\n".join(lines)


def list_json(known: Known, store: Path, *, runs: bool) -> dict[str, Any]:
    """Return the backups, the newest first; with their runs where those are asked for."""
    return {
        "format": "chimera-backups/1",
        "store": str(store),
        "backups": [
            _backup_json(one.name, one.manifest, runs=runs) for one in reversed(known.backups)
        ],
        "damaged": {name: fault.message for name, fault in known.faults.items()},
    }


def _backup_json(name: str, manifest: Manifest, *, runs: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {
        "backup": name,
        "at": manifest.at,
        "chimera": manifest.version,
        "repository": {"path": manifest.origin.path, "began": list(manifest.origin.began)},
        "files": len(manifest.files),
        "size": manifest.size,
        "lastEvent": manifest.last_event,
        "evidence": manifest.evidence,
    }
    if runs:
        found["runs"] = [run._asdict() for run in manifest.runs]
    return found


def verified_text(done: Verified, paint: Paint) -> str:
    """Say what was read, what was tried, and what is wrong."""
    if not done.backups and not done.faults:
        return f"there is no backup in {done.store}"
    lines = [f"{paint('wrong', 'bad')}: {unbroken(fault)}" for fault in done.faults]
    read = f"{count(len(done.backups), 'backup')}: {shown(done.size, 'bytes')} read"
    tried = f", restored to look: {', '.join(done.tried)}" if done.tried else ""
    if not done.faults:
        return f"{paint('whole', 'good')}: {read}{tried}"
    lines.append(f"{count(len(done.faults), 'fault')} in {read}{tried}")
    lines.append(
        "remove what is damaged and run `chimera backup`: what is still here is copied again"
    )
    return "\n".join(lines)


def verified_json(done: Verified) -> dict[str, Any]:
    """Return what was read and what is wrong."""
    return {
        "format": "chimera-backup-verified/1",
        "store": str(done.store),
        "backups": list(done.backups),
        "pieces": done.pieces,
        "size": done.size,
        "restored": list(done.tried),
        "faults": list(done.faults),
    }


def restored_text(done: Restored, paint: Paint) -> str:
    """Say what is in place now, what goes on from there, and how to go back."""
    what = f"the state of {done.name} is back" if done.is_undone else f"restored {done.name}"
    lines = [f"{paint(what, 'good')}{_as_of(done)}"]
    if done.rewound is not None:
        r = done.rewound
        lines.append(
            f"  the state is that at which run {r.uid} ended, at {r.at[:19]}: taken back were"
            f" {count(r.events, 'event')} and {count(r.runs, 'run')} that came later"
        )
    if done.going:
        lines.append(
            f"  {count(len(done.going), 'run')} had not ended then and can go on from there:"
            f" {_first(done.going)}"
        )
        lines.append("  what their steps did since is done again, with the same keys")
    lines += _carried(done, paint)
    if done.kept is not None:
        lines.append(f"what was here is kept in {done.kept}")
        lines.append("go back to it with `chimera restore --undo`; remove it once nobody needs it")
    return "\n".join(lines)


def _carried(done: Restored, paint: Paint) -> Iterator[str]:
    """Yield what remains of what was here."""
    carried = done.carried
    if carried.files:
        files = count(len(carried.files), "file")
        yield f"  {files} of switches and records here remain: {_first(carried.files)}"
    if carried.spent:
        yield f"  {count(carried.spent, 'approval')} that were spent since stay spent"
    if carried.doubt is not None:
        why = unbroken(carried.doubt)
        yield f"  {paint('approvals spent since can be used again', 'warn')}, once: {why}"


def _as_of(done: Restored) -> str:
    return "" if done.manifest is None else f", made at {done.manifest.at[:19]} UTC"


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def restored_json(done: Restored) -> dict[str, Any]:
    """Return what is in place now."""
    found: dict[str, Any] = {
        "format": "chimera-restored/1",
        "restored": done.name,
        "at": None if done.manifest is None else done.manifest.at,
        "kept": None if done.kept is None else str(done.kept),
        "going": list(done.going),
        "stayed": list(done.carried.files),
        "stayedSpent": done.carried.spent,
        "undone": done.is_undone,
    }
    if done.rewound is not None:
        r = done.rewound
        found["run"] = {"uid": r.uid, "event": r.event, "at": r.at, "eventsTakenBack": r.events}
    return found
