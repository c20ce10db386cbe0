"""Graphs of real repositories: everything once, neighbourhoods, and what a change reaches."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.kinds import Snapshot
from chimera.model import Action, Address, UsageError
from chimera.render.graph.svg import graph_svg
from chimera.workspace import Workspace
from chimera.workspace.graphing import Graph, graph_all, graph_around, reachable
from tests.workspace.conftest import Repository

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / ".github" / "graph.svg"

REPOSITORY = """
    apiVersion: chimera/v1
    kind: Repository
    metadata: {name: shop}
    spec: {}
"""
CONTRACT = """
    apiVersion: chimera/v1
    kind: LayerContract
    metadata: {name: shop}
    spec:
      purpose: Sell.
      layers:
        - {id: "1", name: Gates, status: active, purpose: a, admits: {kinds: [Gate]}}
        - {id: "2", name: Sleeping, status: dormant, purpose: a}
"""
GATE = """
    apiVersion: chimera/v1
    kind: Gate
    metadata: {name: code}
    spec:
      match: {paths: [src/**]}
      requires: {approvals: [{role: Role/owner, count: 1}]}
"""
ROLE = """
    apiVersion: chimera/v1
    kind: Role
    metadata: {name: owner}
    spec: {members: []}
"""


@pytest.fixture
def shop(repository: Repository) -> Repository:
    repository.write("specs/repository.yaml", REPOSITORY)
    repository.write("specs/contract.yaml", CONTRACT)
    repository.write("specs/gate.yaml", GATE)
    repository.write("specs/role.yaml", ROLE)
    repository.write("src/a.py", "a\n")
    repository.commit()
    return repository


def graph(repository: Repository, address: str | None = None, base: str | None = None) -> Graph:
    return Workspace.open(repository.root).graph(address, base=base)


def pairs(found: Graph) -> list[tuple[str, str]]:
    return [(edge.source, edge.target) for edge in found.edges]


def test_every_document_is_a_node_and_every_reference_an_edge() -> None:
    snapshot = Workspace.open(ROOT).loaded.snapshot
    found = graph_all(snapshot)
    assert [n.key for n in found.nodes if not n.missing] == sorted(map(str, snapshot.documents))
    uses = {(str(use.source), str(use.target)) for use in snapshot.references}
    assert pairs(found) == sorted(uses)
    assert len(uses) > 10


def test_a_node_says_where_its_document_stands(shop: Repository) -> None:
    shop.write("specs/two.yaml", f"{ROLE}---{ROLE.replace('owner', 'other')}")
    nodes = {node.key: node for node in graph(shop).nodes}
    assert nodes["Role/other"].where == "specs/two.yaml:8"
    assert nodes["Gate/code"].layer == "shop/1"


def test_layers_come_with_their_contract_and_the_dormant_are_marked(shop: Repository) -> None:
    groups = {group.layer: group.dormant for group in graph(shop).groups}
    assert groups == {"shop/1": False, "shop/2": True}


def test_a_reference_to_nothing_is_an_edge_to_what_is_missing(shop: Repository) -> None:
    (shop.root / "specs/role.yaml").unlink()
    found = graph(shop)
    assert [node.key for node in found.nodes if node.missing] == ["Role/owner"]
    assert ("Gate/code", "Role/owner") in pairs(found)


def test_a_neighbourhood_holds_what_leans_and_is_leant_on(shop: Repository) -> None:
    found = graph(shop, "Role/owner")
    assert {n.key: n.reach for n in found.nodes} == {"Gate/code": None, "Role/owner": "focus"}


def test_a_neighbourhood_ends_at_its_depth() -> None:
    snapshot = Workspace.open(ROOT).loaded.snapshot
    near = graph_around(snapshot, Address("Role", "maintainers"), 1)
    assert {node.kind for node in near.nodes} == {"Role", "Gate", "Identity"}


def test_an_address_that_is_not_there_comes_with_the_nearest(shop: Repository) -> None:
    with pytest.raises(UsageError) as caught:
        graph(shop, "Gate/cod")
    assert caught.value.help == "did you mean Gate/code?"


def test_a_change_shows_what_it_reaches_and_who_asks(shop: Repository) -> None:
    shop.write("specs/role.yaml", ROLE.replace("[]", "[], capabilities: [prove]"))
    shop.write("src/a.py", "b\n")
    shop.commit()
    found = graph(shop, base="HEAD~1")
    nodes = {node.key: node for node in found.nodes}
    assert (nodes["Role/owner"].reach, nodes["Role/owner"].action) == ("changed", Action.UPDATE)
    assert nodes["paths:src/**"].reach == "changed"
    assert nodes["paths:src/**"].notes == ("src/a.py",)
    assert nodes["Gate/code"].reach in {"affected", "asking"}
    assert ("Gate/code", "Role/owner") in pairs(found)
    asked = [edge for edge in found.edges if edge.asks]
    assert [(edge.source, edge.target) for edge in asked] == [("Gate/code", "paths:src/**")]
    assert "Repository/shop" not in nodes


def test_a_deleted_document_is_in_the_picture_of_its_change(shop: Repository) -> None:
    (shop.root / "specs/gate.yaml").unlink()
    shop.commit()
    found = graph(shop, base="HEAD~1")
    (gone,) = [node for node in found.nodes if node.key == "Gate/code"]
    assert (gone.action, gone.missing, gone.where) == (Action.DELETE, False, "specs/gate.yaml")
    graph_svg(found)


def test_a_change_of_nothing_is_an_empty_picture(shop: Repository) -> None:
    assert graph(shop, base="HEAD").nodes == ()
    assert [n.key for n in graph(shop, "Gate/code", base="HEAD").nodes] == []


@given(st.randoms(use_true_random=False))
@settings(max_examples=5)
def test_the_order_of_documents_changes_nothing(chance: Random) -> None:
    snapshot = Workspace.open(ROOT).loaded.snapshot
    documents = list(snapshot.documents.values())
    chance.shuffle(documents)
    other = Snapshot.of(snapshot.tree, snapshot.registry, documents)
    assert graph_all(other) == graph_all(snapshot)


def test_near_ones_come_first_and_cycles_end() -> None:
    steps = {1: [2], 2: [3, 1], 3: [1]}
    assert reachable(1, steps.__getitem__) == [2, 3]
    assert reachable(1, steps.__getitem__, 1) == [2]


def test_the_committed_picture_is_what_is_drawn_today(request: pytest.FixtureRequest) -> None:
    """`pytest tests/workspace/test_graphing.py --update-golden` draws it anew: look at it."""
    drawn = graph_svg(Workspace.open(ROOT).graph()) + "\n"
    if request.config.getoption("--update-golden"):
        PICTURE.write_text(drawn, "utf-8")
    assert PICTURE.read_text("utf-8") == drawn


def test_what_one_gate_asks_of_one_change_is_one_edge(shop: Repository) -> None:
    shop.write("specs/gate.yaml", GATE.replace("paths: [src/**]", "kinds: [Role]"))
    shop.commit()
    shop.write("specs/role.yaml", ROLE.replace("[]", "[], capabilities: [prove]"))
    shop.commit()
    ends = [(edge.source, edge.target, edge.asks) for edge in graph(shop, base="HEAD~1").edges]
    assert len(ends) == len(set(ends))
    assert ("Gate/code", "Role/owner", True) in ends
