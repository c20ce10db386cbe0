"""The switches of this machine: files in `.chimera/guards/`, one for each time that one is engaged.

They work where nothing else does: no document has to be readable, no state writable, no lock free.
A file that cannot be read, or that is not what was written, is a switch that stops everything.
Refuses to release anything that a document has engaged.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from stat import S_ISREG
from typing import Any

from chimera.builtin.guards.kinds import GuardScope
from chimera.context import Context, write_whole
from chimera.kinds import ValidationError, when
from chimera.model import ChimeraError, StateError, digest_json
from chimera.state import Layout

_FORMAT = "chimera-switch/1"
_LARGEST = 1024 * 1024
_TRIES = 5  # how often a folder is made that others remove in the same moment
DAMAGED = "its file cannot be read as it was written, so that it counts as engaged for everything"


@dataclass(frozen=True, slots=True)
class Switch:
    """One engagement of a guard on this machine: who, when, why, and of what.

    Of a damaged one nothing is known but its name.
    """

    name: str
    path: Path
    scope: GuardScope
    reason: str
    by: str = ""
    at: datetime | None = None
    is_damaged: bool = False

    @property
    def guard(self) -> str:
        """The address of the guard."""
        return f"Guard/{self.name}"


def folder_of(root: Path) -> Path:
    """Return the folder in which the switches of a work tree lie."""
    return Layout(root).folder / "guards"


def read_switches(root: Path) -> tuple[Switch, ...]:
    """Return the switches that are engaged here, by name and then as they were engaged."""
    folder = folder_of(root)
    try:
        if folder.is_symlink():
            return (_damaged(folder),)
        names = sorted(entry.name for entry in os.scandir(folder))
    except FileNotFoundError:
        return ()
    except OSError:
        return (_damaged(folder),)
    found = (_read(folder / name) for name in names if not _is_draft(name))
    return tuple(switch for switch in found if switch is not None)


def signature(root: Path) -> object:
    """Return what is another once a switch is engaged, released or damaged; `None` if unknown."""
    try:
        with os.scandir(folder_of(root)) as entries:
            found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
    except OSError:
        return None
    return {name: (s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for name, s in found}


def engage(root: Path, context: Context, name: str, scope: GuardScope, reason: str) -> Switch:
    """Engage a guard on this machine; it is on disk, and seen by every run, when this returns.

    Raises `StateError` where it cannot be written.
    """
    now = context.clock.now()
    content: dict[str, Any] = context.secrets.mask_json(
        {
            "format": _FORMAT,
            "guard": name,
            "scope": scope.model_dump(mode="json", by_alias=True, exclude_defaults=True),
            "reason": reason,
            "by": context.actor.name,
            "at": now.isoformat(),
        }
    )
    content["digest"] = digest_json(content)
    path = folder_of(root) / f"{name}.{context.ids.new()}.json"
    Layout(root).create()
    _write(path, json.dumps(content, indent=2).encode() + b"\n")
    return Switch(name, path, scope, content["reason"], content["by"], now)


def release(root: Path, switches: tuple[Switch, ...]) -> None:
    """Take switches back; raises `StateError` where one cannot be removed."""
    for switch in switches:
        try:
            switch.path.unlink(missing_ok=True)
        except OSError as error:
            raise StateError(
                f"{switch.path} cannot be removed: {error.strerror}",
                help="remove it by hand: until then it counts as engaged",
            ) from error
    # A run that finds no folder has nothing to look through. A crash here leaves it: no harm.
    with suppress(OSError):
        folder_of(root).rmdir()


def _write(path: Path, data: bytes) -> None:
    for left in reversed(range(_TRIES)):
        try:
            write_whole(path, data)
        except FileNotFoundError:  # the folder was empty, and was removed in this moment
            if not left:
                raise
        except OSError as error:
            raise StateError(
                f"{path} cannot be written: {error.strerror}: the guard is not engaged",
                help="make .chimera/guards writable, and leave some room on its disk",
            ) from error
        else:
            return


def _is_draft(name: str) -> bool:
    """Tell whether a file is what `write_whole` had begun: nobody was told that it counts."""
    return name.startswith(".") and name.endswith(".draft")


def _read(path: Path) -> Switch | None:
    """Return the switch of a file; `None` where it was released since."""
    try:
        if path.is_symlink() or not S_ISREG(path.stat().st_mode):
            return _damaged(path)
        with path.open("rb") as file:
            return _parsed(path, file.read(_LARGEST + 1))
    except FileNotFoundError:
        return None
    except OSError:
        return _damaged(path)


def _parsed(path: Path, data: bytes) -> Switch:
    try:
        content = json.loads(data)
        said = dict(content)
        if said.pop("digest") != digest_json(said) or said["format"] != _FORMAT:
            return _damaged(path)
        return _switch(path, said)
    except (ValueError, TypeError, KeyError, RecursionError, ValidationError, ChimeraError):
        return _damaged(path)


def _switch(path: Path, said: Mapping[str, Any]) -> Switch:
    scope = GuardScope.model_validate(said["scope"])
    texts = (said["guard"], said["reason"], said["by"])
    if not all(isinstance(text, str) for text in texts) or texts[0] != _name_of(path):
        return _damaged(path)
    return Switch(texts[0], path, scope, texts[1], texts[2], when(said["at"]))


def _damaged(path: Path) -> Switch:
    return Switch(_name_of(path), path, GuardScope(), DAMAGED, is_damaged=True)


def _name_of(path: Path) -> str:
    """Return the name of a guard by that of its file, `NAME.ID.json`."""
    parts = path.name.rsplit(".", 2)
    return parts[0] or path.name
