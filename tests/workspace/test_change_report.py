"""What a report says of a change: categories, what it breaks, touches and affects, and its laws."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.context import Context
from chimera.documents import Merge
from chimera.kinds import EnvironmentFacts, Registry, load_snapshot, read_source
from chimera.model import Category, Outcome, Touch
from chimera.plugin import PluginManager, load_plugins
from chimera.workspace import PlanReport
from chimera.workspace.checking import check_change
from chimera.workspace.comparing import against_merge_base, against_tree
from chimera.workspace.planning import make_plan
from tests.fuzz.trees import MemoryTree

Value = Mapping[str, Any]
DIGEST = "sha256:" + "0" * 64
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHc2fRuX3It3uvPo7y/MktZIp1dS6F7zBpiekiMqlc96"


@cache
def plugins() -> PluginManager:
    return load_plugins()


def document(kind: str, name: str, metadata: Value | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "chimera/v1",
        "kind": kind,
        "metadata": {"name": name, **(metadata or {})},
        "spec": spec,
    }


def identity(**spec: Any) -> dict[str, Any]:
    return {**document("Identity", "i"), "spec": spec}


def tree_of(documents: Iterable[Value], files: Mapping[str, str] | None = None) -> MemoryTree:
    """Return a tree with a file for each document, and others."""
    written = {
        f"specs/{d['kind']}-{d['metadata']['name']}.yaml": json.dumps(d, indent=1).encode()
        for d in documents
    }
    return MemoryTree({**written, **{p: text.encode() for p, text in (files or {}).items()}})


def compare(before: MemoryTree, after: MemoryTree, *, protected: bool = False) -> PlanReport:
    """Plan one tree as a change of another, in both ways in which the other can be read."""
    registry, context = Registry.collect(plugins()), Context.system()
    source = read_source(after)
    loaded = load_snapshot(source, registry)
    where = EnvironmentFacts("production" if protected else "local", protected)
    merge = Merge(before, after, "main")
    reports = [
        make_plan(loaded, comparison, plugins(), context, where)
        for comparison in (
            against_merge_base(merge, source, loaded),
            against_tree(before, registry, "main"),
        )
    ]
    assert reports[0].plan == reports[1].plan, "what is kept of a file that is the same says so"
    assert reports[0].touches == reports[1].touches
    assert reports[0].affected == reports[1].affected
    return reports[0]


def change(before: Iterable[Value], after: Iterable[Value]) -> PlanReport:
    return compare(tree_of(before), tree_of(after))


def told(report: PlanReport) -> dict[str, tuple[str | None, tuple[str, ...]]]:
    """Return category and breaks of what changes."""
    return {
        str(i.change.target): (i.change.category and i.change.category.value, i.change.breaks)
        for i in report.plan.items
        if i.changes
    }


def touches(report: PlanReport, source: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return what the touches of one document ask for, by name and target."""
    return {(t.name, str(t.target)): t.asks for t in report.touches if str(t.source) == source}


STAGE = {"id": "a", "operation": "command", "inputs": {"argv": ["true"]}, "timeout": "1m"}


def workflow(name: str = "w", **spec: Any) -> dict[str, Any]:
    return document("Workflow", name, **{"trigger": "human", "stages": [STAGE], **spec})


def proof(name: str = "p", **spec: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "claim": "it holds",
        "covers": {"kinds": ["Workflow"]},
        "inputs": ["src/**"],
        "steps": [{"run": "command", "argv": ["cat", "src/x"], "expect": {"exitCode": 0}}],
        "controls": [{"mutate": "replace", "path": "src/x", "old": "a", "new": "b"}],
    }
    return document("Proof", name, **{**given, **spec})


def layer(id: str, status: str = "active", **spec: Any) -> dict[str, Any]:
    return {"id": id, "name": id, "status": status, "purpose": "It is for something.", **spec}


def contract(*layers: Value, name: str = "ops") -> dict[str, Any]:
    return document("LayerContract", name, purpose="What stands where.", layers=list(layers))


def policy(*rules: str, name: str = "p", **match: Any) -> dict[str, Any]:
    return document(
        "Policy",
        name,
        match=match or {"kinds": ["Workflow"]},
        rules=[
            {"id": r, "expression": "object.metadata.name != 'bad'", "message": r} for r in rules
        ],
        cases=[
            {"name": "good", "object": {"kind": "Workflow"}, "expect": []},
            {
                "name": "bad",
                "object": {"kind": "Workflow", "metadata": {"name": "bad"}},
                "expect": list(rules),
            },
        ],
    )


def gate(name: str = "g", match: Value | None = None, **requires: Any) -> dict[str, Any]:
    return document(
        "Gate",
        name,
        match=match or {"kinds": ["Workflow"]},
        requires=requires or {"records": ["ChangelogEntry"]},
    )


def evolution(**spec: Any) -> dict[str, Any]:
    given = {
        "genome": {"genes": [{"name": "x", "min": 0, "max": 1}]},
        "fitness": {"function": "sphere"},
        "seed": "1",
    }
    return document("Evolution", "e", **{**given, **spec})


@pytest.mark.parametrize(
    ("before", "after", "breaks"),
    [
        ({}, {"inputs": {"x": {"default": "1"}}}, ()),
        ({}, {"inputs": {"x": {}}}, ("the new input x is required",)),
        ({"inputs": {"x": {}}}, {}, ("the input x is gone",)),
        (
            {"inputs": {"x": {"default": "1"}}},
            {"inputs": {"x": {}}},
            ("the input x is required now",),
        ),
        ({"inputs": {"x": {}}}, {"inputs": {"x": {"default": "1"}}}, ()),
        (
            {"inputs": {"x": {"type": "number"}}},
            {"inputs": {"x": {"type": "integer"}}},
            ("the input x is of type integer, and was of type number",),
        ),
        ({"inputs": {"x": {"type": "integer"}}}, {"inputs": {"x": {"type": "number"}}}, ()),
        ({"outputs": {"y": "1"}}, {}, ("the output y is gone",)),
        ({}, {"outputs": {"y": "1"}}, ()),
        (
            {"trigger": "event", "event": "push"},
            {"trigger": "event", "event": "pull"},
            ("the event push no longer starts it",),
        ),
        ({"mode": "sequential"}, {"mode": "parallel"}, ()),
    ],
)
def test_a_workflow_breaks_with_what_others_give_it_and_get_from_it(
    before: dict[str, Any], after: dict[str, Any], breaks: tuple[str, ...]
) -> None:
    report = change([workflow(**before)], [workflow(**after)])
    assert told(report) == {"Workflow/w": ("breaking" if breaks else "compatible", breaks)}


@pytest.mark.parametrize(
    ("before", "after", "breaks"),
    [
        (contract(layer("1"), layer("2")), contract(layer("1")), ("the layer 2 is gone",)),
        (
            contract(layer("1")),
            contract(layer("1", "dormant")),
            ("the layer 1 is dormant now: nothing acts for it",),
        ),
        (contract(layer("1")), contract(layer("1"), layer("2")), ()),
        (policy("a", "b"), policy("b", "c"), ("the rule a is gone",)),
        (policy("a"), policy("a", "b"), ()),
        (
            document("Environment", "x", protected=True),
            document("Environment", "x", protected=False),
            ("it is no longer protected: no approval is owed in it, and no proof of a merge",),
        ),
        (
            document("Environment", "x", protected=False),
            document("Environment", "x", protected=True),
            (),
        ),
        (
            document("Role", "r", members=["Identity/ann", "Identity/bob"]),
            document("Role", "r", members=["Identity/ann", "Identity/cid"]),
            ("Identity/bob no longer holds it",),
        ),
        (
            document("Role", "r", members=[], capabilities=["approve", "prove"]),
            document("Role", "r", members=[], capabilities=["prove"]),
            ("it no longer allows to approve",),
        ),
        (
            identity(kind="human", keys=[{"key": KEY}]),
            identity(kind="automation"),
            (
                "it is no longer a person, so that it approves nothing",
                "1 of its keys no longer counts",
            ),
        ),
        (gate(), gate(records=["Decision"]), ()),
        (proof(inputs=["src/**", "lib/**"]), proof(), ("it no longer proves lib/**",)),
        (proof(), proof(claim="other"), ("it no longer shows that it holds",)),
        (
            proof(phase="apply"),
            proof(phase="merge"),
            ("it is no longer owed where nothing is protected",),
        ),
        (proof(phase="merge"), proof(phase="apply"), ()),
        (evolution(), evolution(trigger="apply", checkpointEvery=7), ()),
        (
            evolution(),
            evolution(genome={"genes": [{"name": "y", "min": 0, "max": 1}]}),
            (
                "the gene x is gone",
                "it searches otherwise: a proof that expects its champion expects the wrong one",
            ),
        ),
    ],
)
def test_each_kind_says_what_no_longer_holds(
    before: Value, after: Value, breaks: tuple[str, ...]
) -> None:
    ((category, found),) = told(change([before], [after])).values()
    assert found == breaks
    assert category == ("breaking" if breaks else "compatible")


@pytest.mark.parametrize(
    ("gone", "ended"),
    [
        (
            gate(match={"paths": ["src/**"]}, proofs=["Proof/a", "Proof/b"]),
            "it no longer asks for proof Proof/a, proof Proof/b of src/**",
        ),
        (
            proof(claim="it holds", covers={"paths": ["src/**"]}),
            "nothing shows any longer that it holds, of src/**",
        ),
        (policy("small"), "nothing asks any longer that small holds"),
    ],
)
def test_what_no_longer_asks_for_anything_is_said_of_its_deletion(gone: Value, ended: str) -> None:
    others = [proof("a"), proof("b")]
    report = change([gone, *others], others)
    category, breaks = told(report)[f"{gone['kind']}/{gone['metadata']['name']}"]
    assert (category, ended in breaks) == ("breaking", True), breaks


def test_a_gate_is_touched_by_what_it_matches_with_what_it_asks_for_anywhere() -> None:
    asked = gate(
        match={"kinds": ["Workflow"], "environments": ["Environment/local"]},
        proofs=["Proof/p"],
        approvals=[{"role": "Role/r", "count": 2}],
        records=["ChangelogEntry"],
    )
    others = [proof(), document("Role", "r", members=[])]
    where = document("Environment", "local", protected=False)
    report = change(
        [asked, where, *others, workflow()], [asked, where, *others, workflow(mode="parallel")]
    )
    assert touches(report, "Gate/g") == {
        ("Gate/g", "Workflow/w"): (
            "proof Proof/p in local",
            "approval by 2 people of Role/r in local",
            "record ChangelogEntry in local",
        )
    }
    assert touches(report, "Proof/p") == {
        ("Proof/p", "Workflow/w"): ("evidence at merge: it holds",)
    }
    (touch,) = [t for t in report.touches if t.name == "Gate/g"]
    assert touch.paths == ("specs/Workflow-w.yaml",)


def test_a_proof_counts_as_it_is_and_as_it_was() -> None:
    narrow = proof(covers={"kinds": ["Role"]}, phase="apply")
    role = document("Role", "r", members=[])
    more = document("Role", "r", members=[], capabilities=["prove"])
    report = change([proof(), role, workflow()], [narrow, more, workflow(mode="parallel")])
    assert touches(report, "Proof/p") == {
        ("Proof/p", "Role/r"): ("evidence at apply: it holds",),
        ("Proof/p", "Workflow/w"): ("evidence at merge: it holds",),
    }


def test_a_layer_is_touched_by_what_was_in_it_and_what_comes_to_be() -> None:
    layers = contract(layer("1", trigger="human", prohibits=[]), layer("2"))
    here = workflow(name="w")
    here["metadata"]["layers"] = ["ops/1"]
    there = workflow(name="w")
    there["metadata"]["layers"] = ["ops/2"]
    report = change([layers, here], [layers, there])
    human = "approval by a person where it is protected: it is human-triggered"
    assert touches(report, "LayerContract/ops") == {
        ("ops/1", "Workflow/w"): (human,),
        ("ops/2", "Workflow/w"): (),
    }
    assert list(report.by_layer) == [("ops/1", "ops/2")]


def test_a_contract_that_moves_a_layer_is_touched_with_what_it_asks_for() -> None:
    documented = layer("1", documentation=["docs/one.md"])
    asleep = layer("2", "dormant")
    before = tree_of([contract(documented, asleep)], {"docs/one.md": "1\n"})
    awake = contract({**documented, "purpose": "Another."}, layer("2"))
    after = tree_of([awake], {"docs/one.md": "2\n"})
    report = compare(before, after)
    assert touches(report, "LayerContract/ops") == {
        ("LayerContract/ops", "LayerContract/ops"): (
            "a change of docs/one.md with it",
            "record Decision that activates ops/2",
            "approval of this layer by a person where it is protected",
        ),
        ("LayerContract/ops", "paths:docs/one.md"): (),
    }


def test_a_policy_is_touched_by_the_changes_that_it_judges() -> None:
    rules = [
        policy("a", "b", name="every"),
        policy("new", name="created", kinds=["Workflow"], changes=["create"]),
    ]
    report = change([*rules, workflow()], [*rules, workflow(mode="parallel"), workflow("v")])
    assert touches(report, "Policy/every") == {
        ("Policy/every", "Workflow/v"): ("rule a", "rule b"),
        ("Policy/every", "Workflow/w"): ("rule a", "rule b"),
    }
    assert touches(report, "Policy/created") == {("Policy/created", "Workflow/v"): ("rule new",)}


def test_touches_are_in_order_and_whoever_leans_on_a_change_is_affected() -> None:
    documents = [
        document("Role", "r", members=[]),
        gate(approvals=[{"role": "Role/r"}], proofs=["Proof/p"]),
        proof(),
    ]
    after = [document("Role", "r", members=[], capabilities=["prove"]), *documents[1:]]
    report = change(documents, after)
    assert {str(a): list(map(str, f)) for a, f in report.affected.items()} == {"Role/r": ["Gate/g"]}
    keys = [(str(t.source), t.name, str(t.target)) for t in report.touches]
    assert keys == sorted(keys)


def test_what_a_plan_cannot_ask_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from chimera.gate import touching
    from chimera.model import ChimeraError

    def fail(subject: Any) -> Iterable[Touch]:
        raise ValueError("it is a bug")

    monkeypatch.setattr(touching, "touch", fail)
    with pytest.raises(ChimeraError, match=r"chimera\.gate\.plugin raised ValueError"):
        change([workflow()], [workflow(mode="parallel")])


def test_a_repository_document_in_the_change_makes_the_base_be_read_anew() -> None:
    before = MemoryTree(
        {
            "specs/r.yaml": yaml_of(document("Repository", "r", roots=["ops"])),
            "ops/w.yaml": yaml_of(workflow()),
        }
    )
    after = MemoryTree({"specs/r.yaml": yaml_of(document("Repository", "r"))})
    assert told(compare(before, after))["Workflow/w"] == ("compatible", ())


@pytest.mark.parametrize("first", ["a", "z"])
def test_of_two_documents_with_one_address_the_one_that_was_there_counts(first: str) -> None:
    """Whether the second of the two came before it or after it."""
    before = MemoryTree({"specs/m.yaml": yaml_of(workflow())})
    second = {f"specs/{first}.yaml": yaml_of(workflow(mode="parallel"))}
    report = compare(before, MemoryTree({**before.files, **second}))
    assert len(told(report)) == (1 if first == "a" else 0)


def yaml_of(value: Value) -> bytes:
    return json.dumps(value, indent=1).encode()


DOCUMENTS = [
    workflow(),
    workflow("v", outputs={"y": "1"}),
    document("Role", "r", {"labels": {"tier": "one"}}, members=[]),
    document("Environment", "x", protected=True),
    gate(approvals=[{"role": "Role/r"}], proofs=["Proof/p"]),
    proof(),
    contract(layer("1", trigger="human", admits={"kinds": ["Workflow"]})),
]


def rewritten(value: Any, seed: st.DataObject) -> Any:
    """Return the same mapping with its keys in another order."""
    if isinstance(value, dict):
        keys = seed.draw(st.permutations(list(value)))
        return {key: rewritten(value[key], seed) for key in keys}
    return [rewritten(item, seed) for item in value] if isinstance(value, list) else value


@settings(max_examples=30)
@given(st.lists(st.sampled_from(range(len(DOCUMENTS))), unique=True, min_size=1), st.data())
def test_reordering_reformatting_and_commenting_changes_nothing_and_owes_nothing(
    chosen: list[int], data: st.DataObject
) -> None:
    before = tree_of(DOCUMENTS)
    files = dict(before.files)
    for number in chosen:
        value = DOCUMENTS[number]
        path = f"specs/{value['kind']}-{value['metadata']['name']}.yaml"
        indent = data.draw(st.sampled_from([2, 4, None]))
        comment = data.draw(st.sampled_from(["# why\n", "\n\n", "--- # it begins\n"]))
        files[path] = (comment + json.dumps(rewritten(value, data), indent=indent)).encode()
    report = compare(before, MemoryTree(files), protected=True)
    assert report.plan.changing == report.plan.obligations == ()
    assert report.touches == ()
    assert report.categories == {
        Category.COSMETIC: len(chosen),
        Category.COMPATIBLE: 0,
        Category.BREAKING: 0,
    }
    assert sorted(p for c in report.cosmetic for p in c.paths) == sorted(
        path for path in files if files[path] != before.files[path]
    )


def owed(report: PlanReport) -> set[tuple[str, str, str, str]]:
    return {(o.kind, o.subject, str(o.target), str(o.source)) for o in report.plan.obligations}


@settings(max_examples=30)
@given(st.sampled_from([d for d in DOCUMENTS if d["kind"] not in {"Environment", "Proof", "Role"}]))
def test_a_rename_alone_owes_what_a_delete_and_a_create_owe(value: dict[str, Any]) -> None:
    name = f"{value['metadata']['name']}-renamed"
    renamed = {**value, "metadata": {**value["metadata"], "name": name}}
    without = [d for d in DOCUMENTS if d is not value]
    rename = compare(tree_of(DOCUMENTS), tree_of([*without, renamed]), protected=True)
    delete = compare(tree_of(DOCUMENTS), tree_of(without), protected=True)
    create = compare(tree_of(DOCUMENTS), tree_of([*DOCUMENTS, renamed]), protected=True)
    assert owed(rename) == owed(delete) | owed(create)
    assert told(rename) == {**told(delete), **told(create)}


@settings(max_examples=20)
@given(st.lists(st.sampled_from(DOCUMENTS), unique_by=json.dumps))
def test_nothing_differs_between_a_tree_and_itself(documents: list[dict[str, Any]]) -> None:
    report = change(documents, documents)
    assert report.plan.changing == report.touches == report.cosmetic == ()
    assert not report.affected
    assert set(report.categories.values()) == {0}


EXPRESSIONS = ["true", "false", "object.metadata.name == 'w'", "has(object.spec.outputs)"]


@settings(max_examples=8)
@given(
    st.lists(st.sampled_from(EXPRESSIONS), min_size=1, max_size=2),
    st.sampled_from(["deny", "warn", "audit"]),
)
def test_a_failing_rule_more_never_turns_a_red_check_green(
    expressions: list[str], action: str
) -> None:
    def judged(*rules: str) -> Outcome:
        written = policy("a")
        written["spec"]["rules"] = [
            {"id": f"r{number}", "expression": rule, "message": "m", "action": action}
            for number, rule in enumerate(rules)
        ]
        return check_change(change([workflow()], [written, workflow(), workflow("v")])).outcome

    red = judged(*expressions) is Outcome.FAILED
    more = judged(*expressions, "false")
    assert more is Outcome.FAILED or not red


def placed(value: dict[str, Any], layer: str) -> dict[str, Any]:
    return {**value, "metadata": {**value["metadata"], "layers": [layer]}}


def test_a_contract_that_wakes_or_lulls_a_layer_changes_the_documents_in_it() -> None:
    active, dormant = contract(layer("1")), contract(layer("1", "dormant"))
    rest = [placed(workflow(), "ops/1"), placed(gate("asleep"), "ops/1"), workflow("v")]
    woken = change([dormant, *rest], [active, *rest])
    actions = {str(i.change.target): i.change.action.value for i in woken.plan.changing}
    assert actions == {
        "Gate/asleep": "create",
        "LayerContract/ops": "update",
        "Workflow/w": "create",
    }
    edited = [*rest[:2], workflow("v", mode="parallel")]
    lulled = change([active, *rest], [dormant, *edited])
    actions = {str(i.change.target): i.change.action.value for i in lulled.plan.changing}
    assert actions == {
        "Gate/asleep": "delete",
        "LayerContract/ops": "update",
        "Workflow/v": "update",
        "Workflow/w": "delete",
    }
    owing = {str(o.target) for o in lulled.plan.obligations if str(o.source) == "Gate/asleep"}
    assert "Workflow/v" in owing, "a gate that falls asleep counts as it was"
    assert ("Gate/asleep", "Workflow/v") in touches(lulled, "Gate/asleep")


def test_a_layer_that_is_gone_wakes_whoever_slept_in_it() -> None:
    sleeper = placed(workflow(), "ops/2")
    before = [contract(layer("1"), layer("2", "dormant")), sleeper]
    woken = change(before, [contract(layer("1")), sleeper])
    assert told(woken)["Workflow/w"] == ("compatible", ())


def test_dormant_documents_that_nobody_edits_are_not_told() -> None:
    before = [contract(layer("1", "dormant")), placed(workflow(), "ops/1"), workflow("v")]
    after = [*before[:2], workflow("v", mode="parallel")]
    report = change(before, after)
    assert [str(item.change.target) for item in report.plan.items] == ["Workflow/v"]
    edited = [before[0], placed(workflow(mode="parallel"), "ops/1"), workflow("v")]
    (item,) = change(before, edited).plan.items
    assert (item.dormant, item.changes, item.change.paths) == (
        True,
        False,
        ("specs/Workflow-w.yaml",),
    )
    assert list(change(before, edited).by_layer) == [("ops/1",)]
