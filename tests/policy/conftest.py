"""A small repository whose documents are judged by real policies, in a real child process."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import pytest

import chimera.kinds.plugin
import chimera.policy.plugin
from chimera.context import Context
from chimera.documents import locate, open_work_tree
from chimera.kinds import (
    AddressText,
    EnvironmentFacts,
    Field,
    Items,
    Kind,
    Loaded,
    Model,
    Reference,
    Registry,
    Subject,
    load_snapshot,
    read_source,
)
from chimera.model import (
    Action,
    Actor,
    Address,
    Change,
    Diagnostic,
    PathSet,
    Placement,
    Verdict,
    digest_json,
)
from chimera.policy import Bounds, judge, run_cases

NOW = datetime(2026, 11, 21, tzinfo=UTC)


class ThingSpec(Model):
    """A kind with a field of each sort."""

    size: int = Field(default=0, description="A number.")
    note: str = Field(default="", description="A text.")
    parts: Items[dict[str, Any]] = Field(default=(), description="Further values.")
    needs: Items[AddressText] = Field(default=(), description="Plain texts.")
    uses: Annotated[AddressText, Reference()] | None = Field(
        default=None, description="Another document."
    )


KINDS = (
    *chimera.kinds.plugin.chimera_register_kinds(),
    *chimera.policy.plugin.chimera_register_kinds(),
    Kind("Thing", ThingSpec, "Something to judge."),
)
REGISTRY = Registry({kind.name: kind for kind in KINDS})


def thing(name: str, **spec: Any) -> dict[str, Any]:
    """A document of the kind `Thing`."""
    return document("Thing", name, spec)


def document(kind: str, name: str, spec: Mapping[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "chimera/v1",
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "spec": dict(spec),
    }


def rule(expression: str, id: str = "small", **more: Any) -> dict[str, Any]:
    return {"id": id, "expression": expression, "message": f"{id} must hold", **more}


def cases_for(rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Cases that satisfy the demand for them; only `run_cases` would notice them hollow."""
    every = [r["id"] for r in rules]
    return [
        {"name": "passes", "object": {"kind": "Thing"}, "expect": []},
        {"name": "fails", "object": {"kind": "Thing"}, "expect": list(dict.fromkeys(every))},
    ]


class Bench:
    """Documents on disk, and what is judged of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.context = Context.system(now=NOW)
        self.actor = Actor("ann", "human")
        self.now = NOW
        self.layers: dict[str, tuple[str, ...]] = {}
        self.dormant: set[str] = set()
        (root / "specs").mkdir()

    def write(self, *documents: Mapping[str, Any]) -> None:
        for value in documents:
            name = f"{value['kind']}-{value['metadata']['name']}.yaml"
            (self.root / "specs" / name).write_text(json.dumps(value, indent=1) + "\n")

    def policy(
        self, *rules: Mapping[str, Any], name: str = "p", cases: Any = None, **spec: Any
    ) -> None:
        """Write a policy about things, with cases unless it gives its own."""
        cases = cases_for(rules) if cases is None else cases
        given = {"match": {"kinds": ["Thing"]}, "rules": list(rules), "cases": cases, **spec}
        self.write(document("Policy", name, given))

    def load(self) -> Loaded:
        return load_snapshot(read_source(open_work_tree(self.root)), REGISTRY)

    def subject(self, allow: Sequence[str] = (), **changes: Any) -> Subject:
        """The subject of what was written; faults of the documents are mistakes of the test."""
        loaded = self.load()
        wrong = [d for d in loaded.diagnostics if d.rule not in allow]
        assert not wrong, wrong
        placements = {
            address: tuple(
                Placement(address, layer, layer in self.dormant)
                for layer in self.layers.get(str(address), ())
            )
            for address in loaded.snapshot.documents
        }
        given: dict[str, Any] = {
            "placements": placements,
            "environment": EnvironmentFacts("local", False),
            "actor": self.actor,
            "now": self.now,
            "context": self.context,
            **changes,
        }
        return Subject(loaded.snapshot, **given)

    def changed(self, *pairs: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]) -> Subject:
        """The subject in which each `(before, after)` is a change."""
        changes, former = [], {}
        for before, after in pairs:
            value = after or before
            assert value is not None
            address = Address(value["kind"], value["metadata"]["name"])
            action = Action.DELETE if not after else Action.UPDATE if before else Action.CREATE
            digests = [v and digest_json(v) for v in (before, after)]
            changes.append(Change(address, action, digests[0], digests[1], "it differs"))
            if before:
                former[address] = before
        return self.subject(changes=tuple(changes), before=former)

    def paths_changed(self, globs: Sequence[str], paths: Sequence[str]) -> Subject:
        target = PathSet.of(list(globs))
        change = Change(target, Action.UPDATE, "sha256:a", "sha256:b", "bytes", tuple(paths))
        return self.subject(changes=(change,))

    def judge(self, subject: Subject | None = None, **bounds: Any) -> list[Verdict]:
        return judge(subject or self.subject(), Bounds(**bounds))

    def cases(self) -> list[Verdict]:
        return list(run_cases(self.subject().snapshot, self.context).verdicts)

    def located(self, verdicts: Sequence[Verdict]) -> list[Diagnostic]:
        found = [d for verdict in verdicts for d in verdict.diagnostics]
        return list(locate(found, open_work_tree(self.root)))


def findings(verdicts: Sequence[Verdict]) -> dict[tuple[str, str], str]:
    """Findings by judge and subject."""
    return {(v.judge, v.subject): v.finding.value for v in verdicts}


def rules_of(verdicts: Sequence[Verdict]) -> list[str]:
    """The rule ids of all diagnostics."""
    return sorted(d.rule for verdict in verdicts for d in verdict.diagnostics)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
