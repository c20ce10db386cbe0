"""How kernels are compiled: one set of flags, and a cache that cannot serve stale code.

numba's own cache files a function under its source file's path and content: it misses in every
copy of the project (each repetition of a proof is one) and serves stale code when a callee in
another file changed. Here the folder is named by a digest of *everything* that the machine code
follows from: the sources of its module and of what that imports of this room, and the versions of
numba, llvmlite and Python. It lies in the user's cache directory, so that a read-only installation
works; where that cannot be written, as inside a proof, what lies there is loaded and all else
compiled in memory. A corrupt entry costs a compilation and nothing else. What was imported before
an upgrade that came since is compiled in memory, too: the digest would be of other sources.

`fastmath` stays off, and with it contraction to fused multiply-add: the same bits on every
machine. `error_model="numpy"` makes a division by zero infinite instead of an exception.
"""

from __future__ import annotations

import ast
import hashlib
import platform
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite  # type: ignore[import-untyped]
import numba
from numba.misc import appdirs

from chimera.builtin.evolution import kernels

_ROOM = __name__.rpartition(".kernels.")[0]
_SOURCES = Path(__file__).parents[1]
_OTHERS_FOLLOW_FROM = f"{_ROOM}.fitness.compile"
"""Whose sources a compiled function follows from that lies outside of this room."""

_appdirs: Any = appdirs
_config: Any = numba.config
_configuring = threading.Lock()


@cache
def sources_digest(*modules: str) -> str:
    """Return the digest of the sources of `modules` and of all of this room that they import.

    All numbers that a module computes follow from them. The digest is `sha256:<hex>`.
    """
    found = hashlib.sha256()
    for name in sorted(set().union(*map(_imported, modules))):
        data = _source(name).read_bytes()
        found.update(name.encode() + b"\0" + len(data).to_bytes(8) + data)
    return "sha256:" + found.hexdigest()


def _source(module: str) -> Path:
    path = _SOURCES.joinpath(*module.removeprefix(_ROOM).split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _imported(module: str) -> frozenset[str]:
    """Return `module` and what it imports of this room, directly or by way of others."""
    found, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name in found or not _source(name).is_file():
            continue
        found.add(name)
        for node in ast.walk(ast.parse(_source(name).read_bytes())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_ROOM):
                waiting += [f"{node.module}", *(f"{node.module}.{a.name}" for a in node.names)]
    return frozenset(found)


@cache
def cache_folder(module: str = _OTHERS_FOLLOW_FROM) -> Path | None:
    """Return where the compiled code of this very version of a module is kept, if it can be."""
    if not module.startswith(_ROOM):
        module = _OTHERS_FOLLOW_FROM
    versions = (numba.__version__, llvmlite.__version__, platform.python_version())
    name = hashlib.sha256("\0".join((sources_digest(module), *versions)).encode()).hexdigest()[:24]
    folder = Path(_appdirs.user_cache_dir("chimera", appauthor=False)) / "kernels" / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return folder


def is_replaced() -> bool:
    """Tell whether the sources that lie here may be others than those that were imported.

    Asked after a digest of them was taken, it says that the digest is of what was imported.
    """
    return kernels.stamps() != kernels.IMPORTED


@cache
def _is_writable(folder: Path) -> bool:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def inner(function: Callable[..., Any]) -> Any:
    """Compile `function` into the kernels that call it; it gets no entry in the cache."""
    return numba.njit(error_model="numpy", fastmath=False, nogil=True)(function)


def kernel(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function for one signature, now, or load what an earlier process compiled."""

    def compile(function: Callable[..., Any]) -> Any:
        if _config.DISABLE_JIT:
            return inner(function)
        try:
            return _compiled(function, signature, cached=_is_cached(function))
        except Exception:  # noqa: BLE001 - a corrupt entry raises whatever unpickling it raises
            renewed = _forget(function)
        try:
            return _compiled(function, signature, cached=renewed)
        except OSError:  # no room for the entry
            return _compiled(function, signature, cached=False)

    return compile


def _compiled(function: Callable[..., Any], signature: Any, *, cached: bool) -> Any:
    dispatcher = inner(function)
    if cached:
        with _our_cache():
            dispatcher.enable_caching()
    dispatcher.compile(signature)
    dispatcher.disable_compile()
    return dispatcher


def _entries(folder: Path, function: Callable[..., Any]) -> Iterator[Path]:
    module = Path(function.__code__.co_filename).stem
    return folder.glob(f"{module}.{function.__qualname__}-*")


def _is_cached(function: Callable[..., Any]) -> bool:
    """Tell whether the cache holds one function, or can be given it."""
    folder = cache_folder(function.__module__)
    if folder is None or is_replaced():
        return False
    return _is_writable(folder) or any(_entries(folder, function))


def _forget(function: Callable[..., Any]) -> bool:
    """Remove what the cache holds of one function; tell whether it can be given it anew."""
    folder = cache_folder(function.__module__)
    if folder is None or is_replaced() or not _is_writable(folder):
        return False
    for path in list(_entries(folder, function)):
        path.unlink(missing_ok=True)
    return True


class KernelLocator:
    """Tells numba where compiled functions lie; numba finds it by its name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> KernelLocator | None:
        """Return a locator if there is a folder; files in it are named by module and function."""
        folder = cache_folder(py_func.__module__)
        return cls(folder) if folder is not None else None

    def ensure_cache_path(self) -> None:
        """Do nothing: the folder was made before caching was enabled."""

    def get_cache_path(self) -> str:
        """Return the folder."""
        return str(self._folder)

    def get_source_stamp(self) -> str:
        """Return a constant: code cannot be stale in a folder that is named by all sources."""
        return ""

    def get_disambiguator(self) -> str:
        """Return a constant: no module of ours has two kernels of one name."""
        return "kernel"


@contextmanager
def _our_cache() -> Iterator[None]:
    with _configuring:
        before = _config.CACHE_LOCATOR_CLASSES
        _config.CACHE_LOCATOR_CLASSES = f"{__name__}.{KernelLocator.__name__}"
        try:
            yield
        finally:
            _config.CACHE_LOCATOR_CLASSES = before
