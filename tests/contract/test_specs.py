"""The contracts under `specs/layers`, held against what the seeds say and against imports."""

from __future__ import annotations

import importlib
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pluggy
import pytest

from chimera.contract import judge, place
from chimera.contract.kinds import LayerContractSpec
from chimera.documents import format_text, open_work_tree
from chimera.kinds import EnvironmentFacts, Registry, Subject, load_snapshot, read_source
from chimera.model import Actor, Address, Finding, has_errors
from chimera.plugin import DEFAULT, ESSENTIAL, hookspecs

ROOT = Path(__file__).parents[2]
LAYERS = ROOT / "specs" / "layers"


@pytest.fixture(scope="module")
def registry():
    """Return what the plugins of this repository register."""
    manager = pluggy.PluginManager("chimera")
    manager.add_hookspecs(hookspecs)
    for name in (*ESSENTIAL, *DEFAULT):
        manager.register(importlib.import_module(name), name)
    return Registry.collect(manager)


@pytest.fixture(scope="module")
def subject(registry):
    """Return this repository's documents, ready to be judged."""
    loaded = load_snapshot(read_source(open_work_tree(ROOT)), registry)
    assert [d for d in loaded.diagnostics if d.where.path.startswith("specs/layers/")] == []
    placements = place(loaded.snapshot).placements
    return Subject(
        loaded.snapshot,
        placements,
        EnvironmentFacts("local", False),
        Actor("ada", "human"),
        datetime(2026, 11, 21, tzinfo=UTC),
    )


def layers(subject, name):
    document = subject.snapshot.documents[Address("LayerContract", name)]
    assert isinstance(document.spec, LayerContractSpec)
    return {layer.id: layer for layer in document.spec.layers}


def statuses(subject, name):
    return {id: layer.status for id, layer in layers(subject, name).items()}


def test_contracts_validate_and_nothing_breaks_them(subject):
    assert not has_errors(place(subject.snapshot).diagnostics)
    failed = [
        verdict
        for verdict in judge(subject, subject.snapshot.registry.prohibitions)
        if verdict.finding is Finding.FAIL
    ]
    assert failed == []


@pytest.mark.parametrize("path", sorted(LAYERS.glob("*.yaml")), ids=lambda path: path.stem)
def test_contracts_are_in_canonical_form(path):
    assert format_text(path.read_text()) == path.read_text()


def test_operations_has_four_active_and_two_dormant_layers(subject):
    assert statuses(subject, "operations") == {
        "0": "active",
        "1": "active",
        "2": "active",
        "3": "active",
        "4": "dormant",
        "5": "dormant",
    }
    assert [layer.name for layer in layers(subject, "operations").values()] == [
        "Execution Safety",
        "Incident Response & Learning",
        "Change Management & Rollbacks",
        "Release Confidence & Proof",
        "Policy Evolution & Guardrail Improvement",
        "Strategic Reflection",
    ]


def test_operations_prohibits_what_the_seed_prohibits(subject):
    found = {id: set(layer.prohibits) for id, layer in layers(subject, "operations").items()}
    assert found == {
        "0": set(),
        "1": {"automation", "decision-making"},
        "2": {"automation"},
        "3": {"interpretation"},
        "4": {
            "automation",
            "enforcement",
            "background-execution",
            "auto-approval",
            "automatic-policy-change",
            "automatic-guardrail-change",
        },
        "5": {
            "tooling",
            "cadence",
            "enforcement",
            "ownership",
            "automation",
            "required-outputs",
        },
    }


def test_operations_is_started_by_people_above_execution_safety(subject):
    found = layers(subject, "operations")
    assert {id for id, layer in found.items() if layer.trigger == "human"} == {"1", "2", "3"}
    assert found["1"].mode == "informational"
    assert found["4"].mode == "simulation"
    assert {found[id].trigger for id in ("4", "5")} == {"none"}
    assert found["5"].when_active.trigger == "human"


def test_layers_say_of_trigger_and_mode_only_what_their_seeds_say(subject):
    said = {
        f"{name}/{id}": (layer.trigger, layer.mode)
        for name in ("operations", "cognitive", "orchestration", "chimera")
        for id, layer in layers(subject, name).items()
        if (layer.trigger, layer.mode) != (None, None)
    }
    assert said == {
        "operations/0": (None, "enforcing"),
        "operations/1": ("human", "informational"),
        "operations/2": ("human", None),
        "operations/3": ("human", None),
        "operations/4": ("none", "simulation"),
        "operations/5": ("none", None),
    }


def test_operations_layers_have_the_pages_that_the_seed_names(subject):
    found = {id: layer.documentation for id, layer in layers(subject, "operations").items()}
    pages = {
        "1": ("SEVERITY_MODEL", "INCIDENT_COMMANDER", "POSTMORTEM_TEMPLATE"),
        "2": ("CHANGELOG", "ROLLBACKS"),
        "3": ("RELEASE_CONFIDENCE", "PROOF_RUNBOOK"),
    }
    folder = "specs/layers/operations"
    for id, documentation in found.items():
        assert documentation == tuple(f"{folder}/{page}.md" for page in pages.get(id, ()))
        assert all((ROOT / page).read_text().startswith("# ") for page in documentation)


@pytest.mark.parametrize("id", ["4", "5"])
def test_dormant_operations_layers_say_what_would_bind_them(subject, id):
    when = layers(subject, "operations")[id].when_active
    assert when is not None
    assert when.routes_through == ("operations/2",)
    assert when.must_pass == ("operations/3",)
    assert {approval.by for approval in when.needs_approval_of} == {"human"}
    assert "all outputs" in {approval.matter for approval in when.needs_approval_of}
    assert {"automation", "decision-making", "enforcement"} <= set(when.prohibits)
    assert id == "4" or {"cadence", "participation", "tooling"} <= set(when.prohibits)


def test_chimera_describes_four_of_eight_layers_and_the_others_are_dormant(subject):
    found = layers(subject, "chimera")
    assert list(found) == ["1", "2", "3", "4", "5", "6", "7", "8"]
    undescribed = {id for id, layer in found.items() if layer.status == "dormant"}
    assert undescribed == {"1", "2", "3", "6"}
    assert all("Not described" in found[id].purpose for id in undescribed)
    assert {id: found[id].name for id in ("4", "5", "7", "8")} == {
        "4": "Execution",
        "5": "Refinement",
        "7": "Evolution",
        "8": "Resources",
    }
    assert {objective.target for objective in found["4"].objectives} == {"<500ms p95"}


def test_orchestration_coordinates_ten_modules_from_its_third_layer(subject):
    found = layers(subject, "orchestration")
    assert list(found) == ["L1", "L2", "L3", "L4"]
    assert len(found["L2"].scope) == 10
    assert "Workflow" in found["L3"].admits.kinds
    assert "Error handling and recovery" in found["L3"].scope


def test_cognitive_names_six_layers_and_invents_none(subject):
    found = layers(subject, "cognitive")
    assert list(found) == ["L1", "L2", "L3", "L4", "L5", "L7"]
    l3 = found["L3"]
    assert {refusal.what: refusal.to for refusal in l3.refuses} == {
        "source code": "cognitive/L2",
        "high-level architecture": "cognitive/L4",
        "business requirements": "cognitive/L7",
        "strategic plans": "cognitive/L5",
        "daily scripts": "cognitive/L1",
    }
    assert [horizon.span for horizon in l3.horizon] == ["hours", "days", "weeks"]
    assert len(l3.principles) == 10
    assert sum(" over " in principle.statement for principle in l3.principles) == 5
    assert [objective.target for objective in l3.objectives] == [
        "99.9%",
        "<100ms p95",
        "daily capability",
        "<0.1%",
        "70-80% optimal",
        "50,000 ops/sec",
        "<2%",
        "100ms for 1000 components",
        "<10ms automatic healing",
    ]
    assert len(l3.provides) == len(l3.receives) == 8


@pytest.mark.parametrize(
    ("kind", "layer"),
    [
        ("Policy", "operations/0"),
        ("ChangelogEntry", "operations/2"),
        ("Decision", "operations/2"),
        ("Waiver", "operations/2"),
        ("Gate", "operations/3"),
        ("Proof", "operations/3"),
        ("ReleaseProof", "operations/3"),
        ("Evolution", "chimera/7"),
        ("Genome", "chimera/7"),
        ("Workflow", "orchestration/L3"),
        ("Environment", "cognitive/L3"),
    ],
)
def test_kinds_of_this_repository_have_their_layer(subject, kind, layer):
    assert kind in subject.snapshot.registry.kinds
    contract, _, id = layer.partition("/")
    assert kind in layers(subject, contract)[id].admits.kinds


def test_floors_are_those_that_imports_are_held_to(subject):
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (floors,) = (c for c in tables["contracts"] if c.get("id") == "floors")
    named = [room.strip(" ()") for floor in floors["layers"] for room in floor.split("|")]
    rooms = [room for room in named if room != "__main__"]  # a module of its own, and no room
    found = layers(subject, "floors")
    assert list(found) == rooms
    for room, layer in found.items():
        assert layer.admits.paths == (f"chimera/{room}/**",)
        assert (ROOT / "chimera" / room).is_dir()
