"""Checkpoints: a state as bytes, and a folder of them named by their content.

Layout: the header's length as eight bytes, a JSON header, raw little-endian arrays. Reading gives a
state or nothing: a checkpoint that is missing, damaged, or of another problem or version costs the
time to compute it again, and never a wrong result. No pickle.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chimera.builtin.evolution.kernels import genetic
from chimera.builtin.evolution.search.engine import Search, State, generations_of
from chimera.context import write_whole
from chimera.model import ChimeraError, Digest, digest_bytes

SCHEMA = "chimera-evolution-checkpoint/1"


def pack(state: State, identity: Digest) -> bytes:
    """Return `state` as bytes; `identity` says to what search it belongs."""
    payload = b"".join(array.astype(kind).tobytes() for array, kind in _saved(state))
    header = json.dumps(
        {
            "schema": SCHEMA,
            "identity": identity,
            "generation": state.generation,
            "sha256": digest_bytes(payload),
        },
        sort_keys=True,
    ).encode()
    return len(header).to_bytes(8, "little") + header + payload


def unpack(data: bytes, search: Search) -> State | None:
    """Return the state in `data` if it is whole and belongs to `search`."""
    size = int.from_bytes(data[:8], "little")
    payload = data[8 + size :]
    try:
        header: Any = json.loads(data[8 : 8 + size])
        generation = header["generation"]
        whole = (header["schema"], header["identity"], header["sha256"]) == (
            SCHEMA,
            search.identity,
            digest_bytes(payload),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not whole or generation not in range(generations_of(search.spec) + 1):
        return None
    return _restored(payload, generation, search)


def _saved(state: State) -> tuple[tuple[NDArray[Any], str], ...]:
    """Return what there is to save of a state, each with its type in the file."""
    here = state.generation % 2
    return (
        (state.counters, "<i8"),
        (state.populations[here], "<f8"),
        (state.costs[here], "<f8"),
        (state.champion, "<f8"),
        (state.history[: state.generation + 1], "<f8"),
    )


def _restored(payload: bytes, generation: int, search: Search) -> State | None:
    state = search.empty()
    state.counters[genetic.GENERATION] = generation  # says which arrays there are to fill in
    arrays = _saved(state)
    if len(payload) != sum(array.nbytes for array, _ in arrays):
        return None
    start = 0
    for array, kind in arrays:
        array[...] = np.frombuffer(payload, kind, array.size, start).reshape(array.shape)
        start += array.nbytes
    return state if state.generation == generation else None


class CheckpointFolder:
    """Keeps checkpoints as files that are named by their digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> Digest:
        """Keep `data` durably and return its digest; raises `ChimeraError` if that fails."""
        digest = digest_bytes(data)
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
