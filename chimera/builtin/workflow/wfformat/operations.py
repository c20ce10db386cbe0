"""The operations `trace.hash` and `trace.task`: what stands for the work of a traced task.

A task's hash is made of its name and the hashes of the tasks before it, so the hash of the last one
shows that each of them was done, and that each had the results of those before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from chimera.kinds import Duration, Field, Items, Model, Text
from chimera.runtime import Expansion, Operation, OperationCall, Step, Wait


class HashInputs(Model):
    """A task and what comes before it."""

    task: Text = Field(description="Id of the task in its trace.")
    after: Items[Text] = Field(default=(), description="Hashes of the tasks before it.")
    files: str = Field(default="", description="Digest of the names of the files it uses.")


class TaskInputs(HashInputs):
    """A task that takes its time."""

    takes: Duration = Field(description="How long it takes.")


class HashOutputs(Model):
    """What shows that a task was done."""

    hash: Text = Field(description="SHA-256 of the task, its files and the hashes before it.")


def hash_of(task: str, after: Iterable[str], files: str = "") -> str:
    """Return the hash of a task, whatever the order of those before it."""
    return hashlib.sha256("\0".join((task, files, *sorted(after))).encode()).hexdigest()


def _hash(call: OperationCall[Any]) -> HashOutputs:
    given = call.inputs
    return HashOutputs(hash=hash_of(given.task, given.after, given.files))


def _expand(
    given: TaskInputs, operations: Mapping[str, Operation[Any, Any]], root: Path
) -> Expansion:
    """Return a wait, which takes no thread and survives a restart, and the hash after it."""
    outputs: Any = {"hash": hash_of(given.task, given.after, given.files)}
    steps = [
        Step("time", wait=Wait(seconds=given.takes / timedelta(seconds=1)), effects=False),
        Step("hash", needs=("time",), work=lambda call: outputs, executor="inline", effects=False),
    ]
    return Expansion(steps=steps, collect=lambda found: found["hash"])


OPERATIONS: tuple[Operation[Any, Any], ...] = (
    Operation(
        "trace.hash",
        "Show that a task of a trace was done, after those before it.",
        HashInputs,
        HashOutputs,
        _hash,
        effects=False,
        reach="tree",
        executor="inline",
        cacheable=True,
    ),
    Operation(
        "trace.task",
        "Take the time of a task of a trace, then show that it was done.",
        TaskInputs,
        HashOutputs,
        _hash,
        effects=False,
        reach="tree",
        executor="inline",
        expand=_expand,
    ),
)
