"""Files written whole and durably: a reader, or whoever comes after a crash, sees all or none.

Refuses to hide what the system refuses: it is an `OSError`, which the caller puts into words.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

from chimera.context.folders import sync_folder


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path` in one step, on disk when this returns; folders above it are made.

    Raises `OSError` where that cannot be, and then leaves what was there as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{os.getpid()}-{threading.get_ident()}.draft")  # no other writer's
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        for folder in (path.parent, path.parent.parent):  # the folder itself may be new
            sync_folder(folder)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
