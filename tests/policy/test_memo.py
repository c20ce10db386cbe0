"""What is remembered of parts of a snapshot changes nothing but how much is evaluated."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chimera.context import Processes
from chimera.kinds import EnvironmentFacts, Snapshot, Subject
from chimera.model import Digest, Verdict
from chimera.policy import sitting
from chimera.policy.worker import Worker

from .conftest import Bench, document, findings, rule, thing


class DictMemo:
    """Remembers in a dictionary, as JSON would come back."""

    def __init__(self) -> None:
        self.kept: dict[Digest, Any] = {}

    def get(self, key: Digest) -> Any:
        return self.kept.get(key)

    def put(self, key: Digest, value: Any) -> None:
        self.kept[key] = value

    def flush(self) -> None:
        pass


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The subjects that the worker was asked about, in order."""
    found: list[str] = []
    add = sitting._Sitting.add

    def noted(self: Any, number: int, errand: Any, chosen: Any) -> None:
        found.extend(self._candidates[position].subject for position in chosen)
        add(self, number, errand, chosen)

    monkeypatch.setattr(sitting._Sitting, "add", noted)
    return found


def ordered(verdicts: list[Verdict]) -> list[Verdict]:
    return sorted(verdicts, key=repr)


def judged(bench: Bench, memo: DictMemo, **more: Any) -> list[Verdict]:
    return ordered(bench.judge(in_many_parts(bench.subject(memo=memo, **more))))


def in_many_parts(subject: Subject) -> Subject:
    """The same subject in a snapshot that a small repository would not be cut into."""
    whole = subject.snapshot
    parts = Snapshot.of(whole.tree, whole.registry, whole.documents.values())
    return replace(subject, snapshot=parts)


def test_nothing_is_asked_again_and_no_process_is_started(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.policy(
        rule("object.spec.size < 10", messageExpression="'is ' + string(object.spec.size)"),
        rule("snapshot.count('Thing') == 3", "three"),
        rule("before.spec.size == 1", "former"),
    )
    bench.write(thing("a", size=11), thing("b", size=1), thing("c", size=2))
    memo = DictMemo()
    first = judged(bench, memo)
    monkeypatch.setattr(Processes, "start", lambda *_: pytest.fail("a process was started"))
    assert judged(bench, memo) == first
    assert first == judged(bench, memo)


def test_only_the_part_that_changed_is_asked_about(bench: Bench, asked: list[str]) -> None:
    bench.policy(rule("object.spec.size < 10"))
    bench.write(*(thing(f"t{n}", size=n) for n in range(30)))
    memo = DictMemo()
    judged(bench, memo)
    assert len(asked) == 30
    asked.clear()
    bench.write(thing("t7", size=70))
    found = findings(judged(bench, memo))
    assert found["Policy/p#small", "Thing/t7"] == "fail"
    assert "Thing/t7" in asked
    assert len(asked) < 10


def test_what_rules_depend_on_is_part_of_the_key(bench: Bench) -> None:
    bench.policy(
        rule("!('ops/1' in layer)", "layered"),
        rule("environment.name == 'local'", "local"),
        rule("now < timestamp('2026-12-01T00:00:00Z')", "early"),
        rule("object.spec.size < parameters.most"),
        parameters=[{"name": "most", "type": "integer", "description": "x", "default": 5}],
    )
    bench.write(thing("a", size=1))
    memo = DictMemo()
    assert "fail" not in findings(judged(bench, memo)).values()
    bench.layers["Thing/a"] = ("ops/1",)
    assert findings(judged(bench, memo))["Policy/p#layered", "Thing/a"] == "fail"
    later = datetime(2026, 12, 2, tzinfo=UTC)
    assert findings(judged(bench, memo, now=later))["Policy/p#early", "Thing/a"] == "fail"
    elsewhere = EnvironmentFacts("production", protected=True)
    found = findings(judged(bench, memo, environment=elsewhere))
    assert found["Policy/p#local", "Thing/a"] == "fail"


def test_waivers_apply_after_what_is_remembered(bench: Bench) -> None:
    bench.policy(rule("object.spec.size < 10"))
    bench.write(thing("a", size=11))
    memo = DictMemo()
    assert findings(judged(bench, memo))["Policy/p#small", "Thing/a"] == "fail"
    bench.write(
        document(
            "Waiver",
            "w",
            {
                "policy": "Policy/p",
                "rule": "small",
                "address": "Thing/a",
                "reason": "for now",
                "approver": "ann",
                "expires": "2026-12-31",
            },
        )
    )
    assert findings(judged(bench, memo))["Policy/p#small", "Thing/a"] == "pass"


def test_an_error_is_never_remembered(bench: Bench, asked: list[str]) -> None:
    bench.policy(rule("object.spec.note.matches('x') || object.spec.absent == 1"))
    bench.write(thing("a", note="y"))
    memo = DictMemo()
    first = judged(bench, memo)
    assert findings(first)["Policy/p#small", "Thing/a"] == "fail"
    asked.clear()
    assert judged(bench, memo) == first
    assert asked == ["Thing/a"]


@pytest.mark.parametrize("value", [1, [], {}, {"holds": 1, "absent": [], "broken": []}, "x"])
def test_what_is_no_memory_is_worked_out_again(bench: Bench, value: Any) -> None:
    bench.policy(rule("object.spec.size < 10"))
    bench.write(thing("a", size=11))
    memo = DictMemo()
    first = judged(bench, memo)
    memo.kept = dict.fromkeys(memo.kept, value)
    assert judged(bench, memo) == first


EXPRESSIONS = [
    "object.spec.size < 5",
    "object.spec.absent == 1",
    "before.spec.size < object.spec.size",
    "change.action == 'update'",
    "actor.kind == 'human'",
    "snapshot.count('Thing', 'spec.size', object.spec.size) == 1",
    "now > timestamp('2026-01-01T00:00:00Z')",
    "'ops/1' in layer",
    "variables.twice > 8",
    "snapshot.count('Thing') < 4 && (change.action == 'create' || object.spec.size < 3)",
]


@st.composite
def steps(draw: st.DrawFn) -> Any:
    """A policy, and what a repository holds at one moment after the other."""
    rules = draw(st.lists(st.sampled_from(EXPRESSIONS), min_size=1, max_size=4, unique=True))
    sizes = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9), max_size=6)
    moments = draw(st.lists(st.tuples(sizes, st.booleans()), min_size=2, max_size=3))
    return rules, moments


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps())
def test_results_are_the_same_with_and_without_memory(
    tmp_path_factory: pytest.TempPathFactory, steps: Any
) -> None:
    rules, moments = steps
    bench = Bench(tmp_path_factory.mktemp("memo"))
    bench.policy(
        *(rule(e, f"r{n}") for n, e in enumerate(rules)),
        variables=[{"name": "twice", "expression": "object.spec.size * 2"}],
    )
    memo, former = DictMemo(), dict[str, int]()
    for sizes, compared in moments:
        for name in former.keys() - sizes.keys():
            (bench.root / "specs" / f"Thing-{name}.yaml").unlink()
        bench.write(*(thing(name, size=size) for name, size in sizes.items()))
        pairs = [
            (
                thing(name, size=former[name]) if name in former else None,
                thing(name, size=sizes[name]) if name in sizes else None,
            )
            for name in sorted(former.keys() | sizes.keys())
            if former.get(name) != sizes.get(name)
        ]
        subject = bench.changed(*pairs) if compared else bench.subject()
        remembering = in_many_parts(replace(subject, memo=memo))
        assert ordered(bench.judge(remembering)) == ordered(bench.judge(subject))
        former = sizes


def test_programs_that_compiled_once_are_not_compiled_to_find_that_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.policy(rule("object.spec.size < 10"))
    memo = DictMemo()
    judged(bench, memo)
    monkeypatch.setattr(Worker, "compile", lambda *_: pytest.fail("compiled"))
    bench.write(thing("new", size=20))
    assert findings(judged(bench, memo))["Policy/p#small", "Thing/new"] == "fail"
