"""Laws of judging: a rule more never lets anything through, and order does not matter."""

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.context import Context
from chimera.documents import RawDocument, open_work_tree
from chimera.kinds import EnvironmentFacts, Snapshot, Subject, validate
from chimera.model import Actor, Finding
from chimera.policy import judge

from .conftest import NOW, REGISTRY, cases_for, document, findings, rule, thing

CONTEXT = Context.system(now=NOW)
EXPRESSIONS = st.sampled_from(
    [
        "object.spec.size < 5",
        "object.spec.size % 2 == 0",
        "object.spec.absent == 1",
        "before.spec.size == 1",
        "snapshot.count('Thing', 'spec.size', object.spec.size) == 1",
        "variables.twice > 8",
        "true",
    ]
)
RULES = st.lists(EXPRESSIONS, min_size=1, max_size=4)
SIZES = st.lists(st.integers(0, 9), min_size=1, max_size=6)
QUICK = settings(max_examples=10, deadline=None)


def policy(expressions: list[str], name: str = "p", **more: Any) -> dict[str, Any]:
    rules = [rule(e, f"r{n}") for n, e in enumerate(expressions)]
    spec = {
        "match": {"kinds": ["Thing"]},
        "variables": [{"name": "twice", "expression": "object.spec.size * 2"}],
        "rules": rules,
        "cases": cases_for(rules),
    }
    return document("Policy", name, {**spec, **more})


def verdicts(root: Path, values: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """Judge the documents `values` as a snapshot, in the order given."""
    documents = []
    for index, value in enumerate(values):
        found, faults = validate(RawDocument("all.yaml", index, value), REGISTRY)
        assert found is not None, faults
        documents.append(found)
    snapshot = Snapshot(open_work_tree(root), REGISTRY, {d.address: d for d in documents})
    return findings(
        judge(
            Subject(
                snapshot,
                {},
                EnvironmentFacts("local", False),
                Actor("a", "human"),
                NOW,
                context=CONTEXT,
            )
        )
    )


def things(sizes: list[int]) -> list[dict[str, Any]]:
    return [thing(f"t{n}", size=size) for n, size in enumerate(sizes)]


def failed(found: dict[tuple[str, str], str]) -> set[tuple[str, str]]:
    return {key for key, finding in found.items() if finding == Finding.FAIL.value}


@QUICK
@given(RULES, EXPRESSIONS, SIZES)
def test_a_rule_more_changes_no_verdict_of_the_others(
    tmp_path_factory: Any, rules: list[str], more: str, sizes: list[int]
) -> None:
    root = tmp_path_factory.getbasetemp()
    before = verdicts(root, [policy(rules), *things(sizes)])
    after = verdicts(root, [policy([*rules, more]), *things(sizes)])
    assert before.items() <= after.items()
    assert failed(before) <= failed(after)


@QUICK
@given(st.data(), RULES, SIZES)
def test_order_of_rules_and_documents_does_not_matter(
    tmp_path_factory: Any, data: st.DataObject, rules: list[str], sizes: list[int]
) -> None:
    root = tmp_path_factory.getbasetemp()
    straight = policy(rules)
    shuffled = data.draw(st.permutations(straight["spec"]["rules"]))
    other = document("Policy", "p", {**straight["spec"], "rules": shuffled})
    second = policy(["object.spec.size > 2"], "q")
    documents = data.draw(st.permutations([other, second, *things(sizes)]))
    assert verdicts(root, documents) == verdicts(root, [straight, second, *things(sizes)])


@QUICK
@given(SIZES, st.integers(0, 9))
def test_judging_one_document_does_not_depend_on_how_many_there_are(
    tmp_path_factory: Any, sizes: list[int], size: int
) -> None:
    root = tmp_path_factory.getbasetemp()
    rules = policy(["object.spec.size < 5", "variables.twice > 8", "object.spec.absent == 1"])
    alone = verdicts(root, [rules, *things([size])])
    among = verdicts(root, [rules, *things([size, *sizes])])
    assert failed(alone) == {key for key in failed(among) if key[1] == "Thing/t0"}
