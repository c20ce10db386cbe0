"""Foreign documents that a change creates, updates and deletes, and what rules see of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from chimera.documents import open_work_tree
from chimera.kinds import Subject, load_snapshot, read_source
from chimera.model import Action, Change, PathSet

from .claiming import Claimed
from .conftest import REGISTRY, Bench, findings, rule

Files = Mapping[str, str]


def obj(name: str, **more: Any) -> str:
    return json.dumps({"kind": "Service", "metadata": {"name": name}, **more}) + "\n"


@pytest.fixture
def claimed(bench: Bench) -> Claimed:
    found = Claimed(bench)
    found.schema("k8s/*")
    return found


def changed(claimed: Claimed, former: Path, before: Files, after: Files) -> Subject:
    """The subject in which files as they were before became those after."""
    old = Claimed(Bench(former))
    old.schema("k8s/*")
    for path, text in before.items():
        old.file(path, text)
    for path, text in after.items():
        claimed.file(path, text)
    base = load_snapshot(read_source(open_work_tree(former)), REGISTRY).snapshot
    paths = tuple(sorted(p for p in {*before, *after} if before.get(p) != after.get(p)))
    change = Change(PathSet.of(["k8s/*"]), Action.UPDATE, "sha256:a", "sha256:b", "bytes", paths)
    return claimed.bench.subject(changes=(change,), former=base)


@pytest.fixture
def judge(claimed: Claimed, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Judges a change by rules about it, and returns what is refused."""

    def judged(before: Files, after: Files, *rules: Any, **match: Any) -> list[str]:
        claimed.bench.policy(*rules, match={"paths": ["k8s/**"], **match})
        subject = changed(claimed, tmp_path_factory.mktemp("former"), before, after)
        found = findings(claimed.bench.judge(subject))
        return sorted(subject for (_, subject), finding in found.items() if finding == "fail")

    return judged


NEVER = rule("false")
A, B, C = obj("a"), obj("b"), obj("c")


@pytest.mark.parametrize(
    ("action", "found"),
    [
        ("create", ["k8s/new.yaml"]),
        ("update", ["k8s/b.yaml"]),
        ("delete", ["k8s/gone.yaml"]),
    ],
)
def test_policies_are_about_what_changes_so(judge: Any, action: str, found: list[str]) -> None:
    before = {"k8s/a.yaml": A, "k8s/b.yaml": B, "k8s/gone.yaml": C}
    after = {"k8s/a.yaml": A, "k8s/b.yaml": obj("b", spec={}), "k8s/new.yaml": C}
    assert judge(before, after, NEVER, changes=[action]) == found


def test_rules_see_what_a_document_was_and_what_becomes_of_it(judge: Any) -> None:
    keeps = rule("!has(before.size) || object.size >= before.size", id="keeps")
    says = rule("change.paths == ['k8s/a.json'] && change.action == 'update'", id="says")
    before = {"k8s/a.json": '{"size": 3}', "k8s/b.json": '{"size": 3}'}
    assert judge(before, {**before, "k8s/a.json": '{"size": 4}'}, keeps, says) == []
    assert judge(before, {**before, "k8s/a.json": '{"size": 2}'}, keeps, says) == ["k8s/a.json"]


def test_a_document_is_followed_through_its_file_by_what_it_is(judge: Any) -> None:
    before = {"k8s/all.yaml": "---\n".join([A, B, C])}
    after = {"k8s/all.yaml": "---\n".join([obj("new"), C, obj("b", spec={})])}
    moved = rule("object.metadata.name == before.metadata.name")
    assert judge(before, after, moved, changes=["update"]) == []
    assert judge(before, after, NEVER, changes=["update"]) == ["k8s/all.yaml#2"]
    assert judge(before, after, NEVER, changes=["create"]) == ["k8s/all.yaml"]
    gone = rule("before.metadata.name != 'a'")
    assert judge(before, after, gone, changes=["delete"]) == ["k8s/all.yaml"]


def test_a_document_that_only_moves_in_its_file_does_not_change(judge: Any) -> None:
    before = {"k8s/all.yaml": "---\n".join([A, B, A])}
    after = {"k8s/all.yaml": "# said again\n" + "---\n".join([A, A, B])}
    assert judge(before, after, NEVER, changes=["create", "update", "delete"]) == []


def test_what_could_not_be_read_before_is_new(judge: Any) -> None:
    before, after = {"k8s/a.yaml": "a: [\n"}, {"k8s/a.yaml": A}
    assert judge(before, after, NEVER, changes=["update", "delete"]) == []
    assert judge(before, after, NEVER, changes=["create"]) == ["k8s/a.yaml"]


def test_nothing_changes_where_no_tree_is_compared_with(claimed: Claimed) -> None:
    claimed.file("k8s/a.yaml", A)
    claimed.bench.policy(rule("before == object"), match={"paths": ["k8s/*"]})
    assert "fail" not in findings(claimed.bench.judge()).values()


def test_cases_can_be_about_a_change_of_a_foreign_document(claimed: Claimed) -> None:
    claimed.bench.policy(
        rule("object.size >= before.size"),
        match={"paths": ["k8s/*.json"], "changes": ["update"]},
        cases=[
            {
                "name": "grows",
                "object": {"size": 2},
                "before": {"size": 1},
                "change": "update",
                "expect": [],
            },
            {
                "name": "shrinks",
                "object": {"size": 1},
                "before": {"size": 2},
                "change": "update",
                "expect": ["small"],
            },
        ],
    )
    claimed.bench.policy(
        rule("before.size < 9"),
        name="kept",
        match={"paths": ["k8s/*.json"], "changes": ["delete"]},
        cases=[
            {"name": "small", "before": {"size": 2}, "change": "delete", "expect": []},
            {"name": "large", "before": {"size": 9}, "change": "delete", "expect": ["small"]},
        ],
    )
    assert set(findings(claimed.bench.cases()).values()) == {"pass"}


def idle(claimed: Claimed, subject: Subject) -> list[str]:
    """The subjects of what was not exercised."""
    found = findings(claimed.bench.judge(subject))
    return sorted(subject for (_, subject), finding in found.items() if finding == "not-exercised")


def test_paths_are_not_said_to_lack_what_is_judged_as_foreign_documents(
    claimed: Claimed, tmp_path_factory: pytest.TempPathFactory
) -> None:
    claimed.bench.policy(rule("object.kind == 'Service'"), match={"paths": ["k8s/*"]})
    subject = changed(
        claimed,
        tmp_path_factory.mktemp("former"),
        {"k8s/a.yaml": A},
        {"k8s/a.yaml": obj("a", size=2)},
    )
    assert idle(claimed, subject) == []
    subject = changed(
        claimed, tmp_path_factory.mktemp("former"), {}, {"k8s/a.yaml": A, "k8s/b.yaml": "a: ["}
    )
    assert idle(claimed, subject) == ["paths:k8s/*"], "nobody can judge the other file"


def test_paths_of_which_documents_are_judged_are_still_judged_together(
    claimed: Claimed, tmp_path_factory: pytest.TempPathFactory
) -> None:
    claimed.bench.policy(rule("size(change.paths) < 2"), match={"paths": ["k8s/*"]})
    subject = changed(
        claimed, tmp_path_factory.mktemp("former"), {}, {"k8s/a.yaml": A, "k8s/b.yaml": B}
    )
    found = findings(claimed.bench.judge(subject))
    assert [subject for (_, subject), finding in found.items() if finding == "fail"] == [
        "paths:k8s/*"
    ]
