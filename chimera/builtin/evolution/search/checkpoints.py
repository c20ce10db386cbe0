"""Checkpoints: a state as bytes, and a folder of them named by their content.

Layout: the header's length as eight bytes, a JSON header (schema, to what search it belongs, where
the run is, name, type and shape of every array), the arrays, raw and little-endian, one after the
other, and the SHA-256 of all of that. Reading gives a state or nothing: a checkpoint that is
missing, damaged, or of another problem or version costs the time to compute it again, and never a
wrong result. No pickle.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from chimera.builtin.evolution.kernels.recording import GENERATION
from chimera.builtin.evolution.kinds import StopReason
from chimera.builtin.evolution.search.algorithm import State
from chimera.builtin.evolution.search.engine import RunState, Search
from chimera.context import write_whole
from chimera.model import ChimeraError, Digest, digest_bytes

SCHEMA = "chimera-evolution-checkpoint/2"

_HASH_BYTES = 32
_TYPES = {"i": "<i", "u": "<u", "f": "<f"}
_REASONS = (None, *get_args(StopReason))


def pack(state: RunState, identity: Digest) -> bytes:
    """Return `state` as bytes; `identity` says to what search it belongs."""
    arrays = [_saved(own) for own in state.islands]
    header = json.dumps(
        {
            "schema": SCHEMA,
            "identity": identity,
            "generation": state.generation,
            "stopped": state.stopped,
            "islands": [
                [[name, array.dtype.str, list(array.shape)] for name, array in own.items()]
                for own in arrays
            ],
        },
        sort_keys=True,
    ).encode()
    payload = b"".join(array.tobytes() for own in arrays for array in own.values())
    data = len(header).to_bytes(8, "little") + header + payload
    return data + hashlib.sha256(data).digest()


def unpack(data: bytes, search: Search) -> RunState | None:
    """Return the state in `data` if it is whole and belongs to `search`."""
    return _unpacked(data, search.identity, search.start().islands)


def _unpacked(data: bytes, identity: Digest, expected: Sequence[State]) -> RunState | None:
    body, size = data[:-_HASH_BYTES], int.from_bytes(data[:8], "little")
    if hashlib.sha256(body).digest() != data[-_HASH_BYTES:]:
        return None
    try:
        header: Any = json.loads(body[8 : 8 + size])
        if (header["schema"], header["identity"]) != (SCHEMA, identity):
            return None
        islands = _restored(body[8 + size :], header["islands"], expected)
        generation, stopped = header["generation"], header["stopped"]
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
    own = [int(island["counters"][GENERATION]) for island in islands]
    if stopped not in _REASONS or generation != max(own, default=None):
        return None
    return RunState(islands, generation, stopped)


def pack_island(own: State, search: Search, island: int) -> bytes:
    """Return the state of one island as bytes."""
    generation = int(own["counters"][GENERATION])
    return pack(RunState([own], generation), _island_of(search, island))


def unpack_island(data: bytes, search: Search, island: int) -> State | None:
    """Return the state of one island, if `data` is whole and belongs to it."""
    state = _unpacked(data, _island_of(search, island), [search.islands[island].start()])
    return None if state is None else state.islands[0]


def _island_of(search: Search, island: int) -> Digest:
    return f"{search.identity} {island}"


def _saved(own: State) -> State:
    """Return an island's arrays as they are kept: the history only as far as it goes."""
    kept = own | {"history": own["history"][: own["counters"][GENERATION] + 1]}
    return {name: np.ascontiguousarray(array, _kind(array)) for name, array in sorted(kept.items())}


def _kind(array: NDArray[Any]) -> str:
    """Return the type by which an array is kept."""
    return f"{_TYPES[array.dtype.kind]}{array.dtype.itemsize}"


def _restored(payload: bytes, described: Any, expected: Sequence[State]) -> list[State]:
    """Return the arrays of each island; raises `ValueError` where they are not those expected.

    Some algorithms have arrays that grow, so that shapes are those that the header says, and none
    is smaller than at the start: kernels do not look whether what they index is there.
    """
    islands, start = [], 0
    for own, template in zip(described, expected, strict=True):
        found: State = {}
        for name, kind, shape in own:
            array, start = _array(payload, start, np.dtype(kind), shape)
            least = template[name][:0] if name == "history" else template[name]
            is_whole = all(n >= m for n, m in zip(array.shape, least.shape, strict=True))
            if kind != _kind(least) or not is_whole:
                raise ValueError("an array of another form")
            found[name] = array.astype(least.dtype)
        if (
            found.keys() != template.keys()
            or len(found["history"]) <= found["counters"][GENERATION]
        ):
            raise ValueError("an array is missing")
        islands.append({name: found[name] for name in template})
    if start != len(payload):
        raise ValueError("there is more than the header says")
    return islands


def _array(
    payload: bytes, start: int, kind: np.dtype[Any], shape: list[int]
) -> tuple[NDArray[Any], int]:
    """Return the array that starts in the payload, and where the next one does."""
    count = math.prod(shape)
    end = start + count * kind.itemsize
    if min(shape, default=0) < 0 or end > len(payload):
        raise ValueError("an array is cut off")
    return np.frombuffer(payload, kind, count, start).reshape(shape), end


FOLDER = ".chimera/checkpoints"


class CheckpointFolder:
    """Keeps checkpoints as files that are named by their digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of(cls, root: Path) -> CheckpointFolder:
        """Return the folder of the repository at `root`."""
        return cls(root / FOLDER)

    def put(self, data: bytes) -> Digest:
        """Keep `data` durably and return its digest; raises `ChimeraError` if that fails."""
        digest = digest_bytes(data)
        if self._folder.is_symlink():
            raise ChimeraError(
                f"{self._folder} is a symbolic link", help="make it a folder of this work tree"
            )
        try:
            write_whole(self._path(digest), data)
        except OSError as error:
            raise ChimeraError(
                f"a checkpoint cannot be written to {self._folder}: {error.strerror}",
                help="make room or change the folder's permissions, and apply again",
            ) from error
        return digest

    def get(self, digest: Digest) -> bytes | None:
        """Return what was kept under `digest`, unless it is gone or damaged."""
        try:
            data = self._path(digest).read_bytes()
        except OSError:
            return None
        return data if digest_bytes(data) == digest else None

    def drop(self, digest: Digest | None) -> None:
        """Remove a checkpoint that is no longer needed, if there is one."""
        if digest is not None:
            with contextlib.suppress(OSError):
                self._path(digest).unlink()

    def _path(self, digest: Digest) -> Path:
        return self._folder / f"{digest.removeprefix('sha256:')}.checkpoint"
