import tempfile

from chimera.model import Finding, Outcome

CONTROL = {"mutate": "replace", "path": "src/answer.py", "old": "42", "new": "41"}
HOLDS = "import answer\n\n\ndef test_holds():\n    assert answer.ANSWER == 42\n"


def prove(bench, tests, **changes):
    bench.write("src/answer.py", "ANSWER = 42\n")
    bench.write("tests/test_it.py", tests)
    return bench.prove_one(
        **{"inputs": ["src/**", "tests/**"], "steps": [{"run": "pytest"}], "controls": [CONTROL]}
        | changes
    )


def test_outcomes_are_kept_by_node_id(bench):
    report = prove(
        bench,
        HOLDS + "\n\nimport pytest\n\n\n@pytest.mark.skip\ndef test_later():\n    pass\n\n\n"
        "@pytest.mark.xfail(strict=True)\ndef test_known():\n    assert False\n",
    )
    assert report.finding is Finding.PASS, report.reasons
    assert report.repetitions[0].steps[0].outcomes == {
        "tests/test_it.py::test_holds": "passed",
        "tests/test_it.py::test_known": "xfailed",
        "tests/test_it.py::test_later": "skipped",
    }
    assert report.exercised == 1
    statement = bench.store.get(report.evidence)
    assert "step 1: tests/test_it.py::test_holds" in statement["predicate"]["passedTests"]


def test_failing_test_fails(bench):
    report = prove(bench, "def test_fails():\n    assert 1 == 2\n")
    assert report.finding is Finding.FAIL
    assert "step 1: tests/test_it.py::test_fails failed" in report.reasons


def test_error_in_setup_fails(bench):
    report = prove(
        bench,
        "import pytest\n@pytest.fixture\ndef broken():\n    raise OSError\n"
        "def test_it(broken):\n    pass\n",
    )
    assert "step 1: tests/test_it.py::test_it error" in report.reasons


def test_module_that_cannot_be_collected_fails(bench):
    report = prove(bench, HOLDS + "import not_there\n")
    assert "step 1: tests/test_it.py error" in report.reasons


def test_only_skipped_tests_are_not_exercised(bench):
    report = prove(bench, "import pytest\n@pytest.mark.skip\ndef test_it():\n    pass\n")
    assert (report.finding, report.outcome) == (Finding.NOT_EXERCISED, Outcome.NOT_EXERCISED)


def test_deselected_tests_are_not_exercised(bench):
    report = prove(bench, HOLDS, steps=[{"run": "pytest", "args": ["-k", "nothing"]}])
    assert report.finding is Finding.NOT_EXERCISED


def test_flaky_test_is_not_deterministic(bench):
    report = prove(
        bench,
        "import os\ndef test_flaky():\n    assert os.environ['PYTHONHASHSEED'] == '1'\n",
    )
    assert (report.finding, report.outcome) == (Finding.FAIL, Outcome.NOT_DETERMINISTIC)
    (divergence,) = report.divergences
    assert divergence.what == "step 1: tests/test_it.py::test_flaky"
    assert divergence.diff == ("-passed", "+failed")


def test_rerun_that_flips_is_flaky(bench):
    """What pytest-rerunfailures does: the same node id reported twice."""
    bench.write(
        "tests/conftest.py",
        "from _pytest.runner import runtestprotocol\n"
        "def pytest_runtest_protocol(item, nextitem):\n"
        "    for _ in range(2):\n"
        "        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)\n"
        "        runtestprotocol(item, nextitem=nextitem)\n"
        "        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)\n"
        "    return True\n",
    )
    report = prove(
        bench, "seen = []\ndef test_it():\n    seen.append(1)\n    assert len(seen) == 1\n"
    )
    assert (
        "step 1: tests/test_it.py::test_it came out differently when it was run again: flaky"
        in report.reasons
    )


def test_configuration_above_the_export_is_not_read(bench, tmp_path, monkeypatch):
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -k nothing\n")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    report = prove(bench, HOLDS, steps=[{"run": "pytest", "paths": ["tests/test_it.py"]}])
    assert report.finding is Finding.PASS


def test_project_configuration_among_the_inputs_holds(bench):
    bench.write("pytest.ini", "[pytest]\naddopts = -k nothing\n")
    report = prove(bench, HOLDS, inputs=["src/**", "tests/**", "pytest.ini"])
    assert report.finding is Finding.NOT_EXERCISED
