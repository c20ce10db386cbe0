"""How kernels are compiled: one set of flags, and a cache that cannot serve stale code.

numba's own cache files a function under its source file's path and content: it misses in every
copy of the project (each repetition of a proof is one) and serves stale code when a callee in
another file changed. Here the folder is named by a digest of *everything* that the machine code
follows from: the sources of this room and the versions of numba, llvmlite and Python. It lies in
the user's cache directory, so that a read-only installation works; where that cannot be written,
kernels are compiled in memory. A corrupt entry costs a compilation and nothing else.

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

import llvmlite
import numba
from numba.misc.appdirs import user_cache_dir

_SOURCES = Path(__file__).parent
_MACHINE_CODE_FOLLOWS_FROM = (
    "compiling.py",
    "generating.py",
    "kernels.py",
    "portable.py",
    "randomness.py",
)
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
    """Return where compiled code of this very version is kept; `None` if it cannot be written."""
    versions = (numba.__version__, llvmlite.__version__, platform.python_version())
    name = hashlib.sha256("\0".join((kernels_digest(), *versions)).encode()).hexdigest()[:24]
    folder = Path(user_cache_dir("chimera", appauthor=False)) / "kernels" / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return None
    return folder


def inner(function: Callable[..., Any]) -> Any:
    """Compile `function` into the kernels that call it; it gets no entry in the cache."""
    return numba.njit(error_model="numpy", fastmath=False, nogil=True)(function)


def kernel(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function for one signature, now, or load what an earlier process compiled."""

    def compile(function: Callable[..., Any]) -> Any:
        dispatcher = inner(function)
        if numba.config.DISABLE_JIT:
            return dispatcher
        try:
            if cache_folder() is not None:
                with _our_cache():
                    dispatcher.enable_caching()
            dispatcher.compile(signature)
        except Exception:  # noqa: BLE001 - a corrupt entry raises whatever unpickling it raises
            dispatcher = inner(function)
            dispatcher.compile(signature)
        dispatcher.disable_compile()
        return dispatcher

    return compile


class KernelLocator:
    """Tells numba where one function's code lies; called by numba, by its name."""

    def __init__(self, folder: Path, identity: str) -> None:
        self._folder, self._identity = folder, identity

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> KernelLocator | None:
        """Return the locator of a kernel, or of a generated function by the name of its module."""
        folder = cache_folder()
        return None if folder is None else cls(folder, Path(py_file).stem)

    def ensure_cache_path(self) -> None:
        """Nothing to do: the folder was made before caching was enabled."""

    def get_cache_path(self) -> str:
        """Return the folder."""
        return str(self._folder)

    def get_source_stamp(self) -> str:
        """Return what never goes stale: the folder is named by all sources."""
        return self._identity

    def get_disambiguator(self) -> str:
        """Return what tells functions of one name apart."""
        return self._identity


@contextmanager
def _our_cache() -> Iterator[None]:
    with _configuring:
        before = numba.config.CACHE_LOCATOR_CLASSES
        numba.config.CACHE_LOCATOR_CLASSES = f"{__name__}.{KernelLocator.__name__}"
        try:
            yield
        finally:
            numba.config.CACHE_LOCATOR_CLASSES = before
