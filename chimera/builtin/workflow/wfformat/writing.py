"""Writing traces as Workflow documents: a line for each task, with an id that can be read.

Owns aliases: a task's id in lower case, with hyphens for what an id cannot have; where two would be
the same, or the document would be too large, a number. What a task was called stands in its inputs.
Refuses traces that no document can hold.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from chimera.builtin.workflow.kinds import MOST_STAGES
from chimera.builtin.workflow.references import RESERVED, escape
from chimera.builtin.workflow.wfformat.operations import hash_of
from chimera.builtin.workflow.wfformat.reading import Task, Trace
from chimera.kinds import format_duration
from chimera.model import ChimeraError

LARGEST = 2 << 20
"""Bytes that a document may have."""
EXPECTED = "chimera.wfformat/hash"
_LAST = "all-done"
_LONGEST = 64
_MANY = 4  # tasks that several others follow have one in between
_ODD = re.compile(r"[^a-z0-9]+")
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Written:
    """A trace as a document; `hash` is what its run has to give."""

    name: str
    text: str
    tasks: int
    hash: str
    takes: timedelta
    """How long the tasks take, one after another."""


def write_trace(trace: Trace, scale: float) -> Written:
    """Return a trace as a document, its runtimes times `scale`.

    Raises `ChimeraError` for one with more tasks or dependencies than a document can hold.
    """
    tasks = _joined(trace.tasks)
    if len(tasks) >= MOST_STAGES:
        raise ChimeraError(
            f"the trace {trace.name} has {len(trace.tasks)} tasks, and a workflow has at most "
            f"{MOST_STAGES} stages",
            help="import a part of it",
        )
    hashes = _hashes(tasks)
    parents = {parent for task in tasks for parent in task.parents}
    ends = [task.id for task in tasks if task.id not in parents]
    final = hash_of(_LAST, (hashes[id] for id in ends))
    name = _name(trace.name)
    text = ""
    for aliases in (_aliases(tasks), _numbers(tasks)):
        text = _document(replace(trace, tasks=tasks), name, aliases, ends, final, scale)
        if len(text) <= LARGEST:  # it is ASCII
            break
    else:
        raise ChimeraError(
            f"the trace {trace.name} would take {len(text) >> 10} KiB, and a document has "
            f"at most {LARGEST >> 10} KiB",
            help="import a part of it",
        )
    takes = sum((_takes(task, scale) for task in trace.tasks), timedelta())
    return Written(name, text, len(trace.tasks), final, takes)


def _joined(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Return the tasks with one more, that takes no time, wherever several follow the same many.

    A hundred tasks that all follow a hundred others are 200 dependencies then, not 10,000.
    """
    ids = {task.id for task in tasks}
    shared = Counter(task.parents for task in tasks if len(task.parents) >= _MANY)
    joins: dict[tuple[str, ...], str] = {}
    found: list[Task] = []
    for task in tasks:
        if shared[task.parents] < 2:
            found.append(task)
            continue
        if task.parents not in joins:
            id = f"join-{len(joins) + 1}"
            while id in ids:
                id += "-x"
            ids.add(id)
            joins[task.parents] = id
            found.append(Task(id, id, task.parents, 0.0))
        found.append(replace(task, parents=(joins[task.parents],)))
    return tuple(found)


def _hashes(tasks: Iterable[Task]) -> dict[str, str]:
    found: dict[str, str] = {}
    for task in tasks:
        found[task.id] = hash_of(task.id, (found[id] for id in task.parents), _files(task))
    return found


def _files(task: Task) -> str:
    """Return what stands for the files of a task; nothing where it has none."""
    if not task.reads and not task.writes:
        return ""
    names = "\0".join((*sorted(task.reads), "", *sorted(task.writes)))
    return hashlib.sha256(names.encode()).hexdigest()[:16]


def _takes(task: Task, scale: float) -> timedelta:
    return round(timedelta(seconds=min(task.seconds * scale, 1e9)) / _MILLISECOND) * _MILLISECOND


def _name(name: str) -> str:
    plain = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:100].strip("-.")
    return plain or "trace"


def _aliases(tasks: Iterable[Task]) -> dict[str, str]:
    """Return an id for each task that says what it is called, as far as there is room."""
    found: dict[str, str] = {}
    taken = {_LAST, *RESERVED}
    for number, task in enumerate(tasks, 1):
        plain = _ODD.sub("-", task.id.lower()).strip("-")
        if not plain[:1].isalpha():
            plain = f"t-{plain}".rstrip("-")
        alias = plain[:_LONGEST].rstrip("-")
        if alias in taken:
            end = f"-n{number}"
            alias = plain[: _LONGEST - len(end)].rstrip("-") + end
        while alias in taken:
            alias = f"{alias[: _LONGEST - 2]}-x"
        taken.add(alias)
        found[task.id] = alias
    return found


def _numbers(tasks: Iterable[Task]) -> dict[str, str]:
    return {task.id: f"t{number}" for number, task in enumerate(tasks, 1)}


def _document(
    trace: Trace,
    name: str,
    aliases: Mapping[str, str],
    ends: Iterable[str],
    final: str,
    scale: float,
) -> str:
    described = f"Tasks of a WfFormat {trace.version} trace, times {scale:g}."
    lines = [
        "# yaml-language-server: $schema=../../.chimera/schemas/Workflow.json",
        "# Made by `chimera import wfformat`: its run gives the hash that the annotation names, if",
        "# every task was done after all that come before it.",
        "apiVersion: chimera/v1",
        "kind: Workflow",
        "metadata:",
        f"  name: {_quoted(name)}",
        f"  description: {_quoted(_described(trace, described))}",
        "  annotations:",
        f"    {EXPECTED}: {_quoted(final)}",
        "spec:",
        "  trigger: human",
        "  mode: parallel",
        "  concurrency: 1000",
        "  stages:",
    ]
    lines += (_stage(task, aliases, scale) for task in trace.tasks)
    last = [aliases[id] for id in ends]
    inputs = f"{{task: {_LAST}, after: [{_hashes_of(last)}]}}"
    needs = ", ".join(map(_plain, last))
    lines += [
        f"  - {{id: {_LAST}, operation: trace.hash, inputs: {inputs}, dependencies: [{needs}]}}",
        "  outputs:",
        f'    hash: "${{{_LAST}.hash}}"',
        "",
    ]
    return "\n".join(lines)


def _described(trace: Trace, otherwise: str) -> str:
    text = " ".join(trace.description.split())
    return f"{otherwise} {text[:200]}".strip()


def _stage(task: Task, aliases: Mapping[str, str], scale: float) -> str:
    takes = _takes(task, scale)
    needs = [aliases[parent] for parent in task.parents]
    files = _files(task)
    inputs = f"task: {_quoted(escape(task.id))}"
    inputs += f", after: [{_hashes_of(needs)}]" if needs else ""
    inputs += f', files: "{files}"' if files else ""
    inputs += f", takes: {format_duration(takes)}" if takes else ""
    operation = "trace.task" if takes else "trace.hash"
    after = f", dependencies: [{', '.join(map(_plain, needs))}]" if needs else ""
    id = _plain(aliases[task.id])
    return f"  - {{id: {id}, operation: {operation}, inputs: {{{inputs}}}{after}}}"


def _hashes_of(ids: Iterable[str]) -> str:
    return ", ".join(f'"${{{id}.hash}}"' for id in ids)


def _plain(id: str) -> str:
    """Return an id as YAML reads it as text: `null`, `true` and `on` would be something else."""
    return id if "-" in id or any(char.isdigit() for char in id) else _quoted(id)


def _quoted(text: str) -> str:
    """Return text in double quotes, as JSON and YAML both read it."""
    return json.dumps(text, ensure_ascii=True)
