import pytest

from chimera.model import Finding


def prove(bench, script, **expect):
    bench.write("src/answer.py", script)
    step = {"run": "command", "argv": ["python", "src/answer.py"], "expect": expect}
    return bench.prove_one(steps=[step], controls=[{"mutate": "delete", "path": "src/answer.py"}])


SAYS = "import sys; print('one two'); print('three', file=sys.stderr)"


@pytest.mark.parametrize(
    ("expect", "came"),
    [
        ({"stdout": {"equals": "one two\n"}}, True),
        ({"stdout": {"equals": "one two"}}, False),
        ({"stdout": {"contains": ["one", "two"]}}, True),
        ({"stdout": {"contains": ["one", "three"]}}, False),
        ({"stdout": {"excludes": ["three"]}}, True),
        ({"stdout": {"excludes": ["two"]}}, False),
        ({"stdout": {"matches": "^one \\w+$"}}, True),
        ({"stdout": {"matches": "^two"}}, False),
        ({"stderr": {"contains": ["three"]}}, True),
        ({"stderr": {"equals": ""}}, False),
        ({"exitCode": 0}, True),
        ({"exitCode": 3}, False),
        ({"files": ["src/*.py"]}, True),
        ({"files": ["report.txt"]}, False),
    ],
)
def test_each_expectation_can_hold_and_can_fail(bench, expect, came):
    report = prove(bench, SAYS, **expect)
    assert report.repetitions[0].finding is (Finding.PASS if came else Finding.FAIL)


def test_exit_code_that_is_expected_passes(bench):
    bench.write("src/answer.py", "")
    report = prove(bench, "raise SystemExit(3)", exitCode=3)
    assert report.repetitions[0].finding is Finding.PASS


def test_a_pattern_that_takes_for_ever_ends_with_the_timeout(bench):
    bench.write("src/answer.py", f"print({'a' * 40 + '!'!r})")
    step = {
        "run": "command",
        "argv": ["python", "src/answer.py"],
        "expect": {"stdout": {"matches": "(a+)+$"}},
    }
    control = {"mutate": "delete", "path": "src/answer.py"}
    report = bench.prove_one(steps=[step], controls=[control], timeout="2s")
    assert report.finding is Finding.FAIL
    assert any("timeout" in reason for reason in report.reasons), report.reasons


def test_output_that_was_cut_is_not_judged_to_lack_anything(bench):
    script = (
        "import sys\nfor _ in range(17):\n    sys.stdout.write('x' * 1024 * 1024)\nprint('bad')"
    )
    report = prove(bench, script, stdout={"excludes": ["bad"]})
    assert report.finding is Finding.FAIL
    assert "step 1: it said more than its output limit 16MiB" in report.reasons


def test_program_that_is_not_there_fails(bench):
    report = bench.prove_one(
        steps=[{"run": "command", "argv": ["no-such-program"], "expect": {"exitCode": 0}}]
    )
    assert report.finding is Finding.FAIL
    assert "no-such-program" in report.reasons[0]


def test_of_much_that_was_said_whole_lines_are_shown(bench):
    report = prove(bench, "import sys\nfor n in range(999): print('line', n)\nsys.exit(1)")
    told = report.reasons[-1].splitlines()
    assert told[0].startswith("step 1: exit code 1, and it said: line 9")
    assert told[-1] == "line 998"


def test_of_one_long_line_the_end_is_marked_as_such(bench):
    report = prove(bench, "import sys; print('x' * 5000); sys.exit(1)")
    assert "and it said: …xxx" in report.reasons[-1]
