"""What is fuzzed, and what must hold of it whatever comes in.

Each target takes bytes and raises `AssertionError`, or anything else, where a law is broken: no
crash, no diagnostic without a place, nothing that differs from itself. Hangs are the driver's to
notice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Any

from chimera.context import Context, Processes
from chimera.documents import locate
from chimera.documents.foreign import parse_foreign
from chimera.documents.scan import CORE, Extensions
from chimera.kinds import EnvironmentFacts, Registry, load_snapshot, read_source
from chimera.model import Category, Diagnostic, Place, Route, Span
from chimera.plan import Plan, plan_from_json, plan_to_json
from chimera.plugin import PluginManager, load_plugins
from chimera.policy.isolation import Bounds
from chimera.policy.places import narrowest
from chimera.policy.worker import Program, Seen, Task, Worker
from chimera.workspace.comparing import against_tree
from chimera.workspace.planning import make_plan
from tests.fuzz.signed import evidence
from tests.fuzz.trees import MemoryTree

PATH = "specs/a.yaml"
EXTENDED = Extensions(merges=True, tags=frozenset(("!Ref",)))
LOCAL = EnvironmentFacts("local", protected=False)
_MOST_PROGRAMS = 500
_MOST_ROUTES = 50
_NAMES = ("object", "before", "now")


@cache
def _plugins() -> PluginManager:
    return load_plugins()


@cache
def _registry() -> Registry:
    return Registry.collect(_plugins())


def _hold_places(diagnostics: Iterable[Diagnostic], tree: MemoryTree) -> None:
    """Every diagnostic says what is wrong and what to do, at a place that its file has."""
    for diagnostic in diagnostics:
        span = diagnostic.where
        assert isinstance(span, Span), diagnostic
        assert span.path in tree.files, diagnostic
        lines = tree.files[span.path].decode("utf-8", "replace").splitlines() or [""]
        assert 1 <= span.line <= len(lines) + 1, diagnostic
        assert span.column >= 1, diagnostic
        assert diagnostic.rule, diagnostic
        assert diagnostic.message, diagnostic
        assert diagnostic.help, diagnostic


def reader(data: bytes) -> None:
    """Read one file of documents, validate what is in it and resolve its references."""
    tree = MemoryTree({PATH: data})
    loaded = load_snapshot(read_source(tree), _registry())
    located = locate(loaded.diagnostics, tree)
    _hold_places(located, tree)
    again = load_snapshot(read_source(tree), _registry())
    assert locate(again.diagnostics, tree) == located
    assert again.snapshot.digest == loaded.snapshot.digest


def foreign(data: bytes) -> None:
    """Read one file of another system: YAML, JSON or front matter, as the first byte says.

    It says as well whether merge keys merge and a tag is let in.
    """
    choice = data[0] if data else 0
    path = ("deploy/a.yaml", "deploy/a.json", "docs/a.md")[choice % 3]
    extensions = EXTENDED if choice % 2 else CORE
    content = data[1:]
    tree = MemoryTree({path: content})
    values, faults = parse_foreign(path, content, extensions)
    _hold_places(locate(faults, tree), tree)
    places = [
        Diagnostic("shown", "a value", Place(path, index, route), "look at it")
        for index, value, _ in values
        for route in islice(_routes(value), _MOST_ROUTES)
    ]
    _hold_places(locate(places, tree), tree)


def _routes(value: Any, route: Route = ()) -> Iterator[Route]:
    yield route
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _routes(child, (*route, key))
    elif isinstance(value, list):
        for position, child in enumerate(value):
            yield from _routes(child, (*route, position))


def differ(data: bytes) -> None:
    """Plan one tree as a change of another; the two files are divided by a zero byte."""
    before, _, after = data.partition(b"\0")
    base, tree = MemoryTree({PATH: before}), MemoryTree({PATH: after})
    plan = _plan(tree, base)
    for item in plan.items:
        differs = item.change.before != item.change.after
        assert item.changes == (differs or item.change.is_move) or item.dormant
        assert not (item.changes and item.change.category is Category.COSMETIC)
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))).digest == plan.digest
    assert not _plan(tree, tree).changing, "a tree differs from itself"


def _count_lines(data: bytes) -> int:
    return len(data.decode("utf-8", "replace").splitlines())


def _plan(tree: MemoryTree, base: MemoryTree) -> Plan:
    registry, context = _registry(), Context.system()
    loaded = load_snapshot(read_source(tree), registry)
    comparison = against_tree(base, registry, "base")
    report = make_plan(loaded, comparison, _plugins(), context, LOCAL)
    # Some faults are about what was there before: the longer of the two files has every line.
    both = MemoryTree({PATH: max(tree.files[PATH], base.files[PATH], key=_count_lines)})
    _hold_places(report.judgement.diagnostics, both)
    return report.plan


class Expressions:
    """One evaluator for many expressions, renewed before it grows large."""

    def __init__(self) -> None:
        self._worker = Worker(Processes(), Bounds())
        self._programs = 0

    def __call__(self, data: bytes) -> None:
        """Compile and evaluate an expression over an object; a zero byte divides the two."""
        expression, _, rest = data.partition(b"\0")
        text = expression.decode("utf-8", "replace")
        try:
            value = json.loads(rest or b"{}")
        except (ValueError, RecursionError):
            value = {"spec": rest.decode("utf-8", "replace")}
        assert isinstance(narrowest(text, {"spec": value}), tuple)
        if self._programs >= _MOST_PROGRAMS:
            self._worker.close()
            self._worker, self._programs = Worker(Processes(), Bounds()), 0
        (faults,) = self._worker.compile([Program(text, _NAMES, "any")])
        number, self._programs = self._programs, self._programs + 1
        for fault in faults:
            assert fault.line >= 1, fault
            assert fault.column >= 1, fault
            assert fault.message, fault
        if not faults:
            seen = [Seen(None, {"object": value})]
            ((answer,),) = self._worker.judge({"now": "2000-01-01"}, seen, [Task(number, (0,))])
            assert answer.error is None or answer.error.isprintable(), answer


policy = Expressions()
TARGETS = {
    "reader": reader,
    "foreign": foreign,
    "differ": differ,
    "policy": policy,
    "evidence": evidence,
}
