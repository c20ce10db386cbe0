"""Which code it is that judges: what remembered answers depend on besides what was judged.

A version is a digest of what the file system says of every source, which takes a hundredth of the
time that reading them would. Refuses to name a version of code that may have changed since it was
loaded, or that lies in no file: then nothing is remembered.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Any

_STARTED = time.time_ns()
_RACY = 2_000_000_000
"""Nanoseconds before the start within which a source may have changed while it was loaded."""


@cache
def engine_version() -> str | None:
    """Return the version of Chimera, of Python and of what is installed beside it."""
    package = Path(__file__).parents[1]
    installed = [
        (path, Path(path).stat().st_mtime_ns)
        for path in sys.path
        if path.endswith(("site-packages", "dist-packages")) and Path(path).is_dir()
    ]
    sources = _sources(package)
    return sources and _digest((sys.version, sys.platform, installed, sources))


def judging_version(plugins: Any) -> str | None:
    """Return the version of the engine with these plugins."""
    engine = engine_version()
    found: list[tuple[str, object]] = []
    for name, plugin in sorted(plugins.list_name_plugin()):
        file = getattr(plugin, "__file__", None) if isinstance(plugin, ModuleType) else None
        if plugin is None or str(name).startswith("chimera."):
            found.append((name, plugin is not None))
            continue
        sources = _sources(_outermost(Path(file))) if file else None
        if sources is None:
            return None
        found.append((name, sources))
    return engine and _digest((engine, found))


def _outermost(file: Path) -> Path:
    """Return the top folder of the package that a module is part of, or its own file."""
    found = file
    while (found.parent / "__init__.py").is_file():
        found = found.parent
    return found


def _sources(path: Path) -> str | None:
    """Return what there is of a module or package; `None` where that may have changed since."""
    facts = sorted(_facts(path))
    is_settled = all(changed < _STARTED - _RACY for *_, changed in facts)
    return _digest((str(path), facts)) if facts and is_settled else None


def _facts(path: Path) -> Iterator[tuple[str, int, int, int, int]]:
    if path.is_file():
        status = path.stat()
        yield str(path), status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        return
    pending = [str(path)]
    while pending:
        try:
            with os.scandir(pending.pop()) as items:
                for item in items:
                    if item.is_dir(follow_symlinks=False):
                        pending.append(item.path)
                    elif item.name.endswith((".py", ".so", ".pyd")):
                        s = item.stat()
                        yield item.path, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns
        except FileNotFoundError:
            continue  # not in files at all, or gone: then there is nothing, or less than there was


def _digest(value: object) -> str:
    return blake2b(repr(value).encode("utf-8", "surrogateescape"), digest_size=20).hexdigest()
