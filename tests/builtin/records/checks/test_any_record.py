"""Whatever valid records say, they are judged: no mixture of them is one too many."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.builtin.records.checks.judging import judge
from chimera.context import Context
from chimera.documents import RawDocument, open_work_tree
from chimera.kinds import EnvironmentFacts, Registry, Snapshot, Subject, validate
from chimera.model import Actor, Diagnostic, Finding, Severity
from chimera.plugin import load_plugins
from tests.builtin.conftest import NOW
from tests.builtin.records.checks.conftest import BASE, SEVERITIES

Route = tuple[str | int, ...]

VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [
        *("2026-11-18T09:10:00Z", "2026-11-21T11:59:00+02:00", "0001-01-01T00:00:00+14:00"),
        *("9999-12-31T23:59:59-12:00", "2026-11-18", "9999-12-31", "Ben", "n/a", "Identity/robot"),
        *("SEV-0", "SEV-3", "code", "database", "third-party", "execute", "Incident/open", "0s"),
        *(
            "Incident/over",
            "Rollback/over",
            "9000d",
            "stable",
            "unstable",
            "production",
            "\n",
            [],
            {},
        ),
        None,
    ]
)


@pytest.fixture(scope="module")
def judged() -> Any:
    registry = Registry.collect(load_plugins())
    tree = open_work_tree(SEVERITIES.parent)
    sev = RawDocument("sev.yaml", 0, _shipped())
    context = Context.system(now=NOW)

    def run(values: dict[str, Any]) -> tuple[Diagnostic, ...]:
        raw = [sev, *(RawDocument(f"{name}.yaml", 0, value) for name, value in values.items())]
        documents = [d for one in raw if (d := validate(one, registry)[0]) is not None]
        snapshot = Snapshot.of(tree, registry, documents)
        facts = EnvironmentFacts("local", protected=False)
        subject = Subject(snapshot, {}, facts, Actor("ada", "human"), NOW, context=context)
        found: list[Diagnostic] = []
        for verdict in judge(subject):
            errors = [d for d in verdict.diagnostics if d.severity is Severity.ERROR]
            assert (verdict.finding is Finding.FAIL) == bool(errors)
            found += verdict.diagnostics
        return tuple(found)

    return run


def _shipped() -> dict[str, Any]:
    from chimera.documents import parse

    return dict(parse("sev.yaml", Path(SEVERITIES).read_bytes())[0][0].value)


def routes(value: Any, route: Route = ()) -> Iterator[Route]:
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in entries if isinstance(value, dict | list) else ():
        yield (*route, key)
        if isinstance(child, dict | list):
            yield from routes(child, (*route, key))


ROUTES = [(name, route) for name, spec in BASE.items() for route in routes(spec)]


@given(st.lists(st.tuples(st.sampled_from(ROUTES), VALUES), min_size=1, max_size=12))
@settings(max_examples=200)
def test_any_mixture_of_valid_records_is_judged(
    judged: Any, changes: list[tuple[tuple[str, Route], Any]]
) -> None:
    specs = copy.deepcopy(BASE)
    for (name, route), value in changes:
        part: Any = specs[name]
        try:
            for segment in route[:-1]:
                part = part[segment]
            if value is None:
                del part[route[-1]]
            else:
                part[route[-1]] = copy.deepcopy(value)
        except (LookupError, TypeError):
            continue
    values = {}
    for where, spec in specs.items():
        kind, _, name = where.partition("/")
        head = {"apiVersion": "chimera/v1", "kind": kind, "metadata": {"name": name}}
        values[where] = {**head, "spec": spec}
    found = judged(values)
    assert all(fault.help and fault.message and fault.address for fault in found)
    assert all(fault.message == fault.message.strip() for fault in found)


def test_the_base_itself_is_judged_well(judged: Any) -> None:
    values = {}
    for where, spec in BASE.items():
        kind, _, name = where.partition("/")
        head = {"apiVersion": "chimera/v1", "kind": kind, "metadata": {"name": name}}
        values[where] = {**head, "spec": spec}
    assert judged(values) == ()
