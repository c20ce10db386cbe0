"""How kernels are compiled: one set of flags, and a cache that cannot serve stale code.

numba's own cache files a function under its source file's path and content: it misses in every
copy of the project (each repetition of a proof is one) and serves stale code when a callee in
another file changed. Here the folder is named by a digest of *everything* that the machine code
follows from: the sources of this room and the versions of numba, llvmlite and Python. It lies in
the user's cache directory, so that a read-only installation works; where that cannot be written,
as inside a proof, what lies there is loaded and all else compiled in memory. A corrupt entry costs
a compilation and nothing else.

`fastmath` stays off, and with it contraction to fused multiply-add: the same bits on every
machine. `error_model="numpy"` makes a division by zero infinite instead of an exception.
"""

from __future__ import annotations

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

_SOURCES = Path(__file__).parent
_MACHINE_CODE_FOLLOWS_FROM = (
    "compiling.py",
    "fitness.py",
    "generating.py",
    "kernels.py",
    "portable.py",
    "randomness.py",
)
_appdirs: Any = appdirs
_config: Any = numba.config
_configuring = threading.Lock()


@cache
def kernels_digest() -> str:
    """Return the digest of the sources that all numbers follow from, as `sha256:<hex>`."""
    found = hashlib.sha256()
    for name in _MACHINE_CODE_FOLLOWS_FROM:
        data = (_SOURCES / name).read_bytes()
        found.update(name.encode() + b"\0" + len(data).to_bytes(8) + data)
    return "sha256:" + found.hexdigest()


@cache
def cache_folder() -> Path | None:
    """Return where compiled code of this very version is kept; `None` if nothing can be there."""
    versions = (numba.__version__, llvmlite.__version__, platform.python_version())
    name = hashlib.sha256("\0".join((kernels_digest(), *versions)).encode()).hexdigest()[:24]
    folder = Path(_appdirs.user_cache_dir("chimera", appauthor=False)) / "kernels" / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return folder


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
    folder = cache_folder()
    return folder is not None and (_is_writable(folder) or any(_entries(folder, function)))


def _forget(function: Callable[..., Any]) -> bool:
    """Remove what the cache holds of one function; tell whether it can be given it anew."""
    folder = cache_folder()
    if folder is None or not _is_writable(folder):
        return False
    for path in list(_entries(folder, function)):
        path.unlink(missing_ok=True)
    return True


class KernelLocator:
    """Tells numba where compiled functions lie; numba finds it by its name."""

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> KernelLocator | None:
        """Return a locator if there is a folder; files in it are named by module and function."""
        return cls() if cache_folder() is not None else None

    def ensure_cache_path(self) -> None:
        """Do nothing: the folder was made before caching was enabled."""

    def get_cache_path(self) -> str:
        """Return the folder."""
        return str(cache_folder())

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
