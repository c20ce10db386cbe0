import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from chimera.context import Context
from chimera.model import ChimeraError, Finding
from chimera.proof.checks import check
from chimera.proof.running.normalizers import NORMALIZERS, Normalizer, normalize

NORMALIZER = TypeAdapter(Normalizer)
BROKEN = {"mutate": "delete", "path": "src/answer.py"}


def normalized(data, *normalizers, seconds=10.0):
    parsed = [NORMALIZER.validate_python(one) for one in normalizers]
    files, notes = normalize({"a": data}, parsed, Context.system(), seconds)
    return files["a"], notes


@given(st.binary(), st.sampled_from(sorted(NORMALIZERS)))
def test_normalizing_twice_changes_nothing_more(data, name):
    once = NORMALIZERS[name](data)
    assert NORMALIZERS[name](once) == once


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("junit-times", b'<t time="1.5" name="a"/>', b'<t time="" name="a"/>'),
        ("json-key-order", b'{"b": 1, "a": 2}', b'{"a": 2, "b": 1}'),
        ("timestamps", b"at 2026-11-21T01:02:03Z", b"at <timestamp>"),
        ("line-endings", b"a\r\nb", b"a\nb"),
        ("json-key-order", b"[" * 100_000, b"[" * 100_000),
    ],
)
def test_each_named_normalizer_takes_out_its_own(name, before, after):
    assert normalized(before, name)[0] == after


def test_a_pattern_takes_out_what_it_matches_line_by_line():
    pid = {"pattern": r"^pid (\d)\d*$", "replace": r"pid \1…"}
    assert normalized(b"pid 4711\nno pid 1\npid 12\n", pid)[0] == (
        "pid 4…\nno pid 1\npid 1…\n".encode()
    )


def test_normalizers_are_applied_in_the_order_in_which_they_stand():
    first, second = ({"pattern": a, "replace": b} for a, b in ("ab", "bc"))
    assert normalized(b"a b", first, second)[0] == b"c c"
    assert normalized(b"a b", second, first)[0] == b"b c"


def test_bytes_that_are_no_text_stay_as_they_are():
    assert normalized(b"\xff\x00 id=7 \xfe", {"pattern": r"id=\d", "replace": "id"})[0] == (
        b"\xff\x00 id \xfe"
    )


def test_a_pattern_that_takes_for_ever_is_ended():
    hostile = {"pattern": r"(a+)+$", "replace": ""}
    with pytest.raises(ChimeraError, match="was ended after 0 s"):
        normalized(b"a" * 60 + b"!", hostile, seconds=0.4)


def test_a_normalizer_that_does_nothing_or_too_much_is_told():
    nothing = {"pattern": "zebra", "replace": ""}
    everything = {"pattern": r"\w+", "replace": "x"}
    assert normalized(b"a b", nothing)[1] == (
        "the normalizer replacing /zebra/ by '' changed nothing",
    )
    assert normalized(b"a b", everything)[1] == (
        r"the normalizer replacing /\w+/ by 'x' left nothing of a",
    )
    assert normalized(b"a 2026-11-21T01:02:03Z", "timestamps")[1] == ()


@pytest.mark.parametrize(
    ("pattern", "replace"), [("(", ""), ("a", r"\1"), ("a", r"\g<x>"), ("a{99999999999}", "")]
)
def test_a_pattern_that_cannot_be_replaced_is_found_where_it_stands(bench, pattern, replace):
    artifact = {"paths": "out", "normalize": [{"pattern": pattern, "replace": replace}]}
    bench.proof(artifacts=[artifact])
    (fault,) = bench.load().diagnostics
    assert fault.rule == "proof-pattern-invalid"
    assert fault.where.route[:5] == ("spec", "artifacts", 0, "normalize", 0)


def test_a_good_pattern_is_no_fault(bench):
    artifact = {"paths": "out", "normalize": ["timestamps", {"pattern": "a", "replace": "b"}]}
    bench.proof(artifacts=[artifact])
    assert bench.load().diagnostics == ()
    assert [d for v in check(bench.load().snapshot) for d in v.diagnostics] == []


def test_evidence_lists_every_normalizer_with_its_definition(bench):
    bench.write(
        "src/answer.py",
        "import os\nprint(42)\nopen('out','w').write('the seed ' + os.environ['PYTHONHASHSEED'])\n",
    )
    normalizers = ["timestamps", {"pattern": r"seed \d+", "replace": "seed"}]
    report = bench.prove_one(artifacts=[{"paths": "out", "normalize": normalizers}])
    assert report.finding is Finding.PASS
    assert report.notes == ("artifact out: the normalizer timestamps changed nothing",)
    stated = bench.store.get(report.evidence)["predicate"]["normalizers"]
    assert stated == [{"paths": "out", "apply": normalizers}]


def test_a_pattern_that_is_ended_fails_the_proof(bench, monkeypatch):
    monkeypatch.setattr("chimera.proof.running.normalizers._MOST_SECONDS", 0.5)
    bench.write("src/answer.py", "print(42)\nopen('out','w').write('a' * 60 + '!')\n")
    hostile = {"pattern": r"(a+)+$", "replace": ""}
    report = bench.prove_one(
        artifacts=[{"paths": "out", "normalize": [hostile]}], controls=[BROKEN]
    )
    assert report.finding is Finding.FAIL
    assert report.reasons[0].startswith("artifact out: replacing /(a+)+$/")
