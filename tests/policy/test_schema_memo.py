"""What is remembered of foreign files changes nothing but how many of them are validated."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chimera.context import Processes
from chimera.kinds import NoMemo
from chimera.model import Verdict
from chimera.policy import Bounds
from chimera.policy.foreign import Claims
from chimera.policy.schemas.checker import Checker
from chimera.policy.schemas.judge import judge_schemas

from .claiming import Claimed
from .conftest import Bench, findings
from .test_hostile_schemas import explosive
from .test_memo import DictMemo

SMALL = {"properties": {"a": {"type": "integer", "maximum": 5}}}


@pytest.fixture
def claimed(bench: Bench) -> Claimed:
    return Claimed(bench)


@pytest.fixture
def validated(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The values that were validated, in order."""
    found: list[Any] = []
    judge = Checker.judge

    def noted(self: Checker, definition: Any, instances: Sequence[Any]) -> Any:
        found.extend(instances)
        return judge(self, definition, instances)

    monkeypatch.setattr(Checker, "judge", noted)
    return found


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of files that were parsed, in order."""
    found: list[str] = []
    parse = Claims.read

    def noted(self: Claims, path: str, data: bytes) -> Any:
        found.append(path)
        return parse(self, path, data)

    monkeypatch.setattr(Claims, "read", noted)
    return found


def judged(claimed: Claimed, memo: Any, **bounds: Any) -> list[Verdict]:
    subject = claimed.bench.subject(memo=memo)
    return sorted(judge_schemas(subject, Bounds(**bounds)), key=repr)


def test_of_many_files_only_the_edited_one_is_read_and_validated(
    claimed: Claimed, validated: list[Any], read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed.schema("k8s/**", schema=SMALL)
    for number in range(1000):
        claimed.file(f"k8s/{number % 50}/{number}.yaml", f"a: {number % 5}\n")
    memo = DictMemo()
    first = judged(claimed, memo)
    assert len(validated) == len(read) == len(first) == 1000
    claimed.file("k8s/7/57.yaml", "a: 6\n")
    claimed.file("k8s/8/new.yaml", "a: 7\n")
    (claimed.bench.root / "k8s/9/9.yaml").unlink()
    del validated[:], read[:]
    found = judged(claimed, memo)
    assert read == ["k8s/7/57.yaml", "k8s/8/new.yaml"]
    assert validated == [{"a": 6}, {"a": 7}]
    assert found == judged(claimed, NoMemo())
    assert [s for (_, s), f in findings(found).items() if f == "fail"] == read[:2]
    monkeypatch.setattr(Processes, "start", None)
    assert judged(claimed, memo) == found


def test_what_a_schema_asks_for_and_where_it_says_so_is_no_file_of_its_own(
    claimed: Claimed, validated: list[Any]
) -> None:
    claimed.file("s.json", '{"properties": {"a": {"maximum": 5}}}')
    claimed.schema("*.yaml", file="s.json")
    claimed.file("a.yaml", "a: 4\n")
    memo = DictMemo()
    judged(claimed, memo)
    claimed.file("s.json", '{"properties": {"a": {"maximum": 3}}}')
    assert findings(judged(claimed, memo))["Schema/s", "a.yaml"] == "fail"
    assert len(validated) == 2


def test_what_wakes_lulls_or_claims_as_well_is_judged(claimed: Claimed) -> None:
    claimed.schema("*.yaml", name="one", selects={"kind": "A"}, schema=SMALL)
    claimed.file("a.yaml", "kind: B\na: 9\n")
    memo = DictMemo()
    for change in ("alone", "with another", "which is lulled", "and wakes"):
        if change == "with another":
            claimed.schema("a.*", name="two", schema=SMALL)
        claimed.bench.layers["Schema/two"] = ("ops/later",)
        claimed.bench.dormant = {"ops/later"} if change == "which is lulled" else set()
        assert judged(claimed, memo) == judged(claimed, NoMemo()), change


def test_what_could_not_be_decided_is_not_remembered(
    claimed: Claimed, validated: list[Any]
) -> None:
    hard = explosive()
    then = {"$ref": hard["$ref"]}
    schema = {"if": {"type": "integer"}, "then": then, "$defs": hard["$defs"]}
    claimed.schema("*.json", schema=schema)
    for name in "acd":
        claimed.file(f"{name}.json", '"sound"')
    memo = DictMemo()
    judged(claimed, memo)
    claimed.file("b.json", "1")
    found = judged(claimed, memo, seconds=1.0)
    assert found == judged(claimed, NoMemo(), seconds=1.0)
    assert findings(found) == {
        ("Schema/s", "a.json"): "pass",
        **{("Schema/s", f"{name}.json"): "fail" for name in "bcd"},
    }
    claimed.file("b.json", '"mended"')
    assert set(findings(judged(claimed, memo)).values()) == {"pass"}


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"a.yaml": []}, {"a.yaml": [1, 2]}])
def test_what_is_no_memory_is_worked_out_again(claimed: Claimed, value: Any) -> None:
    claimed.schema("*.yaml", schema=SMALL)
    claimed.file("a.yaml", "a: 9\n")
    memo = DictMemo()
    first = judged(claimed, memo)
    memo.kept = dict.fromkeys(memo.kept, value)
    assert judged(claimed, memo) == first
    (entry,) = (v for v in memo.kept.values() if isinstance(v, dict) and "a.yaml" in v)
    for answer in (1, [], [[], {}], [[], {"Schema/x": []}, []], [[], {"Schema/s": [1]}, []]):
        memo.kept = {key: {"a.yaml": [entry["a.yaml"][0], answer]} for key in memo.kept}
        assert judged(claimed, memo) == first


NAMES = st.sampled_from(["a.yaml", "b.yaml", "c.json", "d/e.yaml", "d/f.md"])
TEXTS = st.sampled_from(
    ["a: 1\n", "a: 9\n", "{}\n", "a: [\n", "kind: X\n---\na: x\n", "---\na: 9\n---\n", "a: 0755\n"]
)
SPECS = st.fixed_dictionaries(
    {"paths": st.lists(st.sampled_from(["**", "*.yaml", "d/*", "c.json"]), min_size=1)},
    optional={
        "schema": st.sampled_from([SMALL, {"type": "object"}, {"type": 1}, {"required": ["a"]}]),
        "selects": st.sampled_from([{"kind": "X"}, {"kind": "Y"}]),
        "documents": st.sampled_from(["first", "each"]),
        "readBy": st.sampled_from(["yaml-1.1", "yaml-1.2"]),
    },
)
STEPS = st.lists(
    st.dictionaries(NAMES, TEXTS | st.none(), max_size=2)
    | st.dictionaries(st.sampled_from(["one", "two"]), SPECS, min_size=1, max_size=2),
    min_size=2,
    max_size=5,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_results_are_the_same_with_and_without_memory(
    tmp_path_factory: pytest.TempPathFactory, steps: list[dict[str, Any]]
) -> None:
    claimed = Claimed(Bench(tmp_path_factory.mktemp("memo")))
    memo = DictMemo()
    for step in steps:
        for name, value in step.items():
            if isinstance(value, dict):
                spec = dict(value)
                claimed.schema(*spec.pop("paths"), name=name, **spec)
            elif value is None:
                Path(claimed.bench.root / name).unlink(missing_ok=True)
            else:
                claimed.file(name, value)
        assert judged(claimed, memo) == judged(claimed, NoMemo())
