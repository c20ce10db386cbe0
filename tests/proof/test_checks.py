from typing import Any

import pytest
from pydantic import TypeAdapter

from chimera.kinds import Field, Model
from chimera.model import Finding, Place
from chimera.proof.checks import check
from chimera.proof.controls import Control, describe
from chimera.runtime import Operation


def faults(bench) -> list[tuple[str, tuple[Any, ...]]]:
    """Every rule that fires, with where it does, from validation and from checks."""
    loaded = bench.load()
    found = [*loaded.diagnostics]
    for verdict in check(loaded.snapshot):
        assert (verdict.finding is Finding.FAIL) == bool(verdict.diagnostics)
        found += verdict.diagnostics
    assert all(isinstance(d.where, Place) and d.help for d in found)
    return [(d.rule, d.where.route[1:]) for d in found]


def test_sound_proof_has_no_fault(bench):
    bench.proof()
    assert faults(bench) == []


@pytest.mark.parametrize(
    ("rule", "changes", "route"),
    [
        ("proof-without-inputs", {"inputs": []}, ("inputs",)),
        ("proof-without-steps", {"steps": []}, ("steps",)),
        ("proof-without-controls", {"controls": []}, ("controls",)),
        (
            "proof-environment-pinned",
            {"environment": {"allow": ["PYTHONHASHSEED"]}},
            ("environment", "allow", 0),
        ),
        (
            "proof-environment-pinned",
            {"environment": {"set": {"HOME": "/root"}}},
            ("environment", "set", "HOME"),
        ),
        (
            "proof-pattern-invalid",
            {
                "steps": [
                    {"run": "command", "argv": ["true"], "expect": {"stdout": {"matches": "("}}}
                ]
            },
            ("steps", 0, "expect", "stdout", "matches"),
        ),
        (
            "proof-control-outside-tree",
            {"controls": [{"mutate": "delete", "path": "../answer.py"}]},
            ("controls", 0, "path"),
        ),
        ("proof-input-unmatched", {"inputs": ["src/**", "lib/**"]}, ("inputs", 1)),
        (
            "proof-control-outside-inputs",
            {"controls": [{"mutate": "delete", "path": "README.md"}]},
            ("controls", 0, "path"),
        ),
        (
            "proof-control-without-effect",
            {"controls": [{"mutate": "replace", "path": "src/answer.py", "old": "43", "new": "1"}]},
            ("controls", 0),
        ),
        (
            "proof-control-without-effect",
            {"controls": [{"mutate": "set", "path": "src/answer.py", "field": ["a"], "value": 1}]},
            ("controls", 0),
        ),
        ("proof-never-owed", {"covers": {}}, ("covers",)),
        ("proof-step-unknown", {"steps": [{"run": "comand"}]}, ("steps", 0, "run")),
        ("field-invalid", {"repeat": 1}, ("repeat",)),
        (
            "field-unknown",
            {"steps": [{"run": "command", "argv": ["a"], "x": 1}]},
            ("steps", 0, "x"),
        ),
    ],
)
def test_fault_is_found_where_it_stands(bench, rule, changes, route):
    bench.write("README.md", "hello\n")
    bench.proof(**changes)
    assert faults(bench) == [(rule, route)]


def test_misspelt_step_gets_a_suggestion(bench):
    bench.proof(steps=[{"run": "comand"}])
    ((verdict),) = check(bench.load().snapshot)
    assert verdict.diagnostics[0].help == "did you mean command?"


def test_record_is_no_input(bench):
    bench.document("changelog/a.yaml", "Unknown", "a", {})
    bench.proof(inputs=["src/**", "proofs/records/**"])
    spec = {
        "proof": "Proof/answer",
        "verdict": "pass",
        "evidence": "sha256:" + "0" * 64,
        "subjects": [],
        "environment": "local",
        "at": "2026-11-21T00:00:00Z",
        "engine": "sha256:" + "0" * 64,
    }
    bench.document("proofs/records/one.yaml", "ReleaseProof", "one", spec)
    assert ("proof-input-unmatched", ("inputs", 1)) in faults(bench)


class Question(Model):
    """Inputs of an operation."""

    number: int = Field(description="A number.")


class Registers:
    from chimera.plugin import hookimpl

    @hookimpl
    def chimera_register_operations(self):
        twice = {"summary": "Double a number.", "run": lambda call: call.inputs, "reach": "tree"}
        return [Operation("doubling", inputs=Question, outputs=Question, **twice)]


def test_step_may_name_a_registered_operation_with_its_inputs(bench):
    bench.plugins.register(Registers())
    bench.proof(steps=[{"run": "doubling", "inputs": {"number": 2}}])
    assert faults(bench) == []
    bench.proof(steps=[{"run": "doubling", "inputs": {"nmber": 2}}])
    assert faults(bench) == [("field-unknown", ("steps", 0, "inputs", "nmber"))]
    bench.proof(steps=[{"run": "doubling", "inputs": {}}])
    assert faults(bench) == [("field-missing", ("steps", 0, "inputs"))]


def test_proof_that_another_document_asks_for_need_not_cover_anything(bench):
    import chimera.gate.plugin

    bench.plugins.register(chimera.gate.plugin)
    bench.proof(covers={})
    spec = {"match": {"paths": ["src/**"]}, "requires": {"proofs": ["Proof/answer"]}}
    bench.document("specs/gate.yaml", "Gate", "src", spec)
    assert faults(bench) == []


@pytest.mark.parametrize(
    ("control", "text"),
    [
        ({"mutate": "delete", "path": "a"}, "deleting a"),
        ({"mutate": "replace", "path": "a", "old": "x", "new": "y"}, "replacing 'x' in a"),
        ({"mutate": "set", "path": "a", "field": ["b", 0], "value": 1}, "setting b.0 in a"),
        ({"mutate": "environment", "name": "A", "value": "1"}, "setting the variable A"),
    ],
)
def test_control_is_described_in_words(control, text):
    control["field"] = tuple(control["field"]) if "field" in control else None
    control = {k: v for k, v in control.items() if v is not None}
    assert describe(TypeAdapter(Control).validate_python(control)) == text
