"""Reading traces: WfFormat 1.5 and 1.6, and the older layout of 1.3 and 1.4, as tasks in an order.

Sources: github.com/wfcommons/WfFormat, `wfcommons-schema.json` of each version. 1.5 keeps
structure (`workflow.specification`) and measurements (`workflow.execution`) apart and refers to
tasks by id; 1.3 and 1.4 have both in `workflow.tasks` and refer by name. Before 1.3 tasks were
called jobs: these traces are refused. Dependencies are what parents or children say, either of
them; where a trace says nothing of either, a task follows those that write what it reads.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chimera.model import ChimeraError

VERSIONS = ("1.3", "1.4", "1.5", "1.6")
LARGEST = 1 << 30
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a trace; `parents` are ids, `reads` and `writes` files."""

    id: str
    name: str
    parents: tuple[str, ...]
    seconds: float
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace: its tasks, each after its parents, and what it left open."""

    name: str
    description: str
    version: str
    tasks: tuple[Task, ...]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Draft:
    """A task while the trace is read."""

    name: str
    parents: dict[str, None] = field(default_factory=dict)
    seconds: float = 0.0
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


def read_trace(path: Path) -> Trace:
    """Read one trace; raises `ChimeraError` where it is none, or has no order."""
    value = _load(path)
    version = str(value.get("schemaVersion", ""))
    if version not in VERSIONS:
        raise ChimeraError(
            f"{path} is WfFormat {version}" if version else f"{path} says no schemaVersion",
            help=f"versions {', '.join(VERSIONS)} are read; wfcommons-migrate-instance.py of "
            "WfCommons brings it to one of them",
        )
    workflow = _mapping(value.get("workflow"), path, "workflow")
    reader = _Reader(path)
    if version in ("1.3", "1.4"):
        reader.read_old(workflow)
    else:
        reader.read_new(workflow)
    reader.follow_files()
    tasks = reader.in_order()
    name = value.get("name")
    description = value.get("description")
    return Trace(
        name if isinstance(name, str) and name else path.stem,
        description if isinstance(description, str) else "",
        version,
        tasks,
        tuple(reader.notes),
    )


def _load(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise ChimeraError(f"{path} is larger than {LARGEST >> 20} MiB", help="cut it down")
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise ChimeraError(
            f"{path} cannot be read: {error.strerror}", help="name a trace's JSON file"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ChimeraError(f"{path} is not JSON: {error}", help="name a trace's file") from error
    return _mapping(value, path, "the trace")


def _mapping(value: Any, path: Path, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ChimeraError(f"{path}: {what} is not a mapping", help="name a WfFormat file")
    return value


class _Reader:
    """Gathers the tasks of one trace."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tasks: dict[str, _Draft] = {}
        self._stray: list[str] = []
        self.notes: list[str] = []

    def read_new(self, workflow: Mapping[str, Any]) -> None:
        """Read the layout of 1.5: structure here, measurements there, by id."""
        structure = _mapping(workflow.get("specification"), self._path, "workflow.specification")
        listed = self._listed(structure.get("tasks"), "workflow.specification.tasks")
        for task in listed:
            draft = self._add(task.get("id"), task)
            draft.reads = tuple(_texts(task.get("inputFiles")))
            draft.writes = tuple(_texts(task.get("outputFiles")))
        for task in listed:
            self._relate(task["id"], task, {})
        execution = workflow.get("execution")
        measured = execution.get("tasks", []) if isinstance(execution, dict) else []
        found = 0
        for task in measured if isinstance(measured, list) else ():
            draft_of = self._tasks.get(str(task.get("id"))) if isinstance(task, dict) else None
            if draft_of is not None:
                draft_of.seconds = _seconds(task.get("runtimeInSeconds"))
                found += 1
        if found < len(self._tasks):
            missing = len(self._tasks) - found
            self.notes.append(f"{missing} tasks have no measured runtime, and take no time here")

    def read_old(self, workflow: Mapping[str, Any]) -> None:
        """Read the layout of 1.3 and 1.4: everything of a task in one place, by name."""
        listed = self._listed(workflow.get("tasks"), "workflow.tasks")
        names: dict[str, str] = {}
        ids = {}
        for number, task in enumerate(listed):
            name = task.get("name")
            id = _id_of(task, number)
            ids[number] = id
            draft = self._add(id, task)
            draft.seconds = _seconds(task.get("runtimeInSeconds", task.get("runtime")))
            files = [one for one in _list(task.get("files")) if isinstance(one, dict)]
            inputs = [str(one.get("link", "")).lower() == "input" for one in files]
            named = [str(one.get("path", "")) + str(one.get("name", "")) for one in files]
            draft.reads = tuple(n for n, reads in zip(named, inputs, strict=True) if reads)
            draft.writes = tuple(n for n, reads in zip(named, inputs, strict=True) if not reads)
            for known in (name, task.get("id"), id):
                if isinstance(known, str) and known:
                    names.setdefault(known, id)
        for number, task in enumerate(listed):
            self._relate(ids[number], task, names)

    def _listed(self, value: Any, where: str) -> list[dict[str, Any]]:
        tasks = [task for task in _list(value) if isinstance(task, dict)]
        if not tasks or len(tasks) != len(_list(value)):
            raise ChimeraError(f"{self._path}: {where} lists no tasks", help="name a whole trace")
        return tasks

    def _add(self, id: Any, task: Mapping[str, Any]) -> _Draft:
        if not isinstance(id, str) or not id:
            raise ChimeraError(f"{self._path}: a task has no id", help="give every task an id")
        if id in self._tasks:
            raise ChimeraError(f"{self._path}: two tasks are called {id}", help="ids are unique")
        name = task.get("name")
        self._tasks[id] = draft = _Draft(name if isinstance(name, str) else id)
        return draft

    def _relate(self, id: str, task: Mapping[str, Any], names: Mapping[str, str]) -> None:
        """Take in what a task says of its parents and children."""
        for parent in _texts(task.get("parents")):
            self._after(id, names.get(parent, parent), parent)
        for child in _texts(task.get("children")):
            self._after(names.get(child, child), id, child)

    def _after(self, child: str, parent: str, said: str) -> None:
        if child in self._tasks and parent in self._tasks:
            self._tasks[child].parents[parent] = None
        else:
            self._stray.append(said)

    def follow_files(self) -> None:
        """Where nothing is said of parents and children, order tasks by the files they share."""
        if self._stray:
            shown = ", ".join(dict.fromkeys(self._stray[:_SHOWN]))
            self.notes.append(
                f"{len(self._stray)} parents or children are not in the trace and left out: {shown}"
            )
        if self._stray or any(task.parents for task in self._tasks.values()):
            return
        writers: dict[str, str] = {}
        for id, task in self._tasks.items():
            for name in task.writes:
                writers.setdefault(name, id)
        found = 0
        for id, task in self._tasks.items():
            for name in task.reads:
                writer = writers.get(name)
                if writer is not None and writer != id:
                    task.parents[writer] = None
                    found += 1
        if found:
            self.notes.append("it names neither parents nor children: files say what follows what")

    def in_order(self) -> tuple[Task, ...]:
        """Return the tasks, each after its parents and otherwise as they stand in the trace."""
        waiting = {id: len(task.parents) for id, task in self._tasks.items()}
        children: dict[str, list[str]] = {}
        for id, task in self._tasks.items():
            for parent in task.parents:
                children.setdefault(parent, []).append(id)
        free = [id for id, count in waiting.items() if not count]
        for id in free:
            for child in children.get(id, ()):
                waiting[child] -= 1
                if not waiting[child]:
                    free.append(child)
        if len(free) < len(self._tasks):
            stuck = [id for id, count in waiting.items() if count]
            shown = ", ".join(stuck[:_SHOWN])
            raise ChimeraError(
                f"{self._path}: {len(stuck)} tasks wait for one another, such as {shown}",
                help="a trace has no circles",
            )
        return tuple(self._task(id) for id in free)

    def _task(self, id: str) -> Task:
        draft = self._tasks[id]
        parents = tuple(draft.parents)
        return Task(id, draft.name, parents, draft.seconds, draft.reads, draft.writes)


def _id_of(task: Mapping[str, Any], number: int) -> str:
    """Return an id for a task of the older layout, as WfCommons makes one: name and id in it."""
    name, id = task.get("name"), task.get("id")
    named = name if isinstance(name, str) and name else ""
    if not isinstance(id, str) or not id:
        return f"{named}_{number}" if named else str(number)
    return named if id in named else f"{named}_{id}" if named else id


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> Iterable[str]:
    return (text for text in _list(value) if isinstance(text, str) and text)


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0.0
    return float(value) if math.isfinite(value) and value > 0 else 0.0
