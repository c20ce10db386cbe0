"""Folders that change places in one step, and folders brought to disk.

Refuses to hide what the system refuses: it is an `OSError`, which the caller puts into words.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

_EXCHANGE = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS
_HERE = -100  # AT_FDCWD of Linux
_CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


def exchange(first: Path, second: Path) -> bool:
    """Have two paths change places, so that nobody ever sees one of them missing.

    Returns false, and changes nothing, where the system or the file system cannot do so.
    """
    import ctypes

    a, b = os.fsencode(first), os.fsencode(second)
    try:
        system = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "linux":
            failed = system.renameat2(_HERE, a, _HERE, b, _EXCHANGE)
        elif sys.platform == "darwin":
            failed = system.renamex_np(a, b, _EXCHANGE)
        else:
            return False
    except (AttributeError, OSError, TypeError):  # a system whose library has no such function
        return False
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in _CANNOT:
        return False
    raise OSError(code, os.strerror(code), str(first))


def sync_file(path: Path) -> None:
    """Have the content of a file outlast the loss of power."""
    fd = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder outlast the loss of power."""
    if os.name == "nt":  # Windows cannot open a folder, and needs no such sync
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
