"""What the `pytest` step makes of a run, and what test code can and cannot do about it."""

import subprocess
import sys
import textwrap

import pytest

from chimera.model import Finding
from chimera.proof.running import conditions
from chimera.proof.steps import outcomes
from chimera.proof.steps.models import PytestStep
from chimera.proof.steps.pytest import run_pytest

HOLDS = "def test_holds():\n    pass\n"
FAILS = "def test_fails():\n    assert False\n"


@pytest.fixture
def tell(run_one):
    """Run pytest over one test module, and what else there is."""

    def tell(text=HOLDS, files=(), variables=None, **step):
        module = {"test_it.py": textwrap.dedent(text)}
        model = PytestStep.model_validate({"run": "pytest"} | step)
        more = {path: textwrap.dedent(content) for path, content in dict(files).items()}
        return run_one(run_pytest, model, module | more, **(variables or {}))

    return tell


# What shows nothing.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import pytest\n@pytest.mark.skip\ndef test_it(): pass\n", "1 skipped"),
        ("import pytest\npytest.skip('all', allow_module_level=True)\n", "1 skipped"),
        ("import pytest\n@pytest.mark.xfail\ndef test_it(): assert False\n", "1 xfailed"),
        ("import pytest\n@pytest.mark.xfail\ndef test_it(): pass\n", "1 xpassed"),
        ("VALUE = 1\n", "there is none"),
    ],
)
def test_a_run_in_which_nothing_passed_is_not_exercised(tell, text, said):
    outcome = tell(text)
    assert outcome.finding is Finding.NOT_EXERCISED
    assert outcome.reasons == (f"no test passed: {said}",)


@pytest.mark.parametrize("args", [["-k", "nothing"], ["-m", "nothing"], ["--deselect=test_it.py"]])
def test_deselecting_everything_is_not_exercised(tell, args):
    outcome = tell(args=args, files={"pytest.ini": "[pytest]\nmarkers = nothing\n"})
    assert outcome.finding is Finding.NOT_EXERCISED
    assert outcome.reasons == ("no test passed: 1 deselected",)


def test_a_hook_that_takes_all_tests_away_in_silence_is_not_exercised(tell):
    hook = "def pytest_collection_modifyitems(items):\n    items[:] = []\n"
    outcome = tell(files={"conftest.py": hook})
    assert outcome.finding is Finding.NOT_EXERCISED
    assert outcome.outputs == {"selected": 0, "deselected": 1}


def test_fewer_tests_than_the_proof_asks_for_are_not_exercised(tell):
    both = HOLDS + "\n\ndef test_too():\n    pass\n"
    assert tell(both, atLeast=2).finding is Finding.PASS
    outcome = tell(both, atLeast=2, args=["-k", "holds"])
    assert outcome.finding is Finding.NOT_EXERCISED
    assert outcome.reasons == ("1 tests passed, and at least 2 have to: 1 deselected",)


def test_collecting_without_running_has_shown_nothing(tell):
    outcome = tell(args=["--collect-only"])
    assert outcome.finding is Finding.FAIL
    assert outcome.reasons[0].startswith("1 of 1 tests that were to run have no outcome")


# Warnings.

THREAD = """
    import threading

    def test_it():
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
"""
FINALIZER = """
    class Broken:
        def __del__(self):
            raise ValueError("nobody sees this")

    def test_it():
        Broken()
"""
UNAWAITED = """
    import gc

    async def check():
        assert False

    def test_it():
        check()
        gc.collect()
"""
UNCOLLECTED = """
    class TestIt:
        def __init__(self):
            pass

        def test_lost(self):
            assert False

    def test_it():
        pass
"""
ALWAYS_TRUE = """
    def test_it():
        assert (1 == 2, "never looked at")
"""


@pytest.mark.parametrize(
    ("text", "category", "said"),
    [
        (THREAD, "PytestUnhandledThreadExceptionWarning", "ZeroDivisionError"),
        (FINALIZER, "PytestUnraisableExceptionWarning", "nobody sees this"),
        (UNAWAITED, "RuntimeWarning", "never awaited"),
        (UNCOLLECTED, "PytestCollectionWarning", "cannot collect test class"),
        (ALWAYS_TRUE, "PytestAssertRewriteWarning", "always true"),
    ],
)
def test_a_warning_that_tells_of_a_failure_fails_the_step(tell, text, category, said):
    outcome = tell(text)
    assert outcome.finding is Finding.FAIL
    reason = next(reason for reason in outcome.reasons if category in reason)
    assert said in reason


def test_no_warning_fails_where_none_shall(tell):
    assert tell(THREAD, warnings="none").finding is Finding.PASS


def test_other_warnings_fail_only_where_all_do(tell):
    text = "import warnings\ndef test_it():\n    warnings.warn('old', DeprecationWarning)\n"
    assert tell(text).finding is Finding.PASS
    outcome = tell(text, warnings="all")
    assert outcome.finding is Finding.FAIL
    assert outcome.reasons == ("test_it.py::test_it warned: DeprecationWarning: old",)
    assert outcome.outcomes["test_it.py::test_it warned of DeprecationWarning"] == "failed"


# Flakiness inside one run.


def test_a_rerun_that_is_reported_as_one_is_flaky(tell):
    """What pytest-rerunfailures does: a report with the outcome `rerun`, then another run."""
    again = """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            hook = item.ihook
            hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            for last in (False, True):
                reports = runtestprotocol(item, nextitem=nextitem, log=False)
                for report in reports:
                    if report.failed and not last:
                        report.outcome = "rerun"
                    hook.pytest_runtest_logreport(report=report)
                    if report.outcome == "rerun":
                        break
                else:
                    break
            hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
            return True
    """
    flaky = "seen = []\ndef test_it():\n    seen.append(1)\n    assert len(seen) == 2\n"
    outcome = tell(flaky, files={"conftest.py": again})
    assert outcome.outcomes == {"test_it.py::test_it": "passed"}
    assert outcome.finding is Finding.FAIL
    assert outcome.reasons[0].endswith("run again or reported anew: flaky")
    assert tell(HOLDS, files={"conftest.py": again}).finding is Finding.PASS


def test_a_rerun_that_nobody_reports_is_flaky(tell):
    """What the plugin `flaky` does: the first run is not logged at all."""
    again = """
        from _pytest.runner import call_and_report

        def pytest_runtest_protocol(item, nextitem):
            hook = item.ihook
            hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            call_and_report(item, "setup")
            if call_and_report(item, "call", log=False).failed:
                call_and_report(item, "call")
            call_and_report(item, "teardown", nextitem=nextitem)
            hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
            return True
    """
    flaky = "seen = []\ndef test_it():\n    seen.append(1)\n    assert len(seen) == 2\n"
    outcome = tell(flaky, files={"conftest.py": again})
    assert outcome.finding is Finding.FAIL
    assert "flaky" in outcome.reasons[0]


def test_an_id_with_an_address_is_named_as_unstable(tell):
    text = """
        import pytest

        @pytest.mark.parametrize("value", [object()], ids=repr)
        def test_it(value):
            pass
    """
    outcome = tell(text)
    name = "test_it.py::test_it[<object object at 0x…>]"
    assert outcome.outcomes == {name: "passed"}
    assert outcome.reasons == (f"{name} is named by an address in memory: give its parameters ids",)


def test_a_number_in_an_id_is_no_address(tell):
    text = "import pytest\n@pytest.mark.parametrize('v', ['0xdeadbeef'])\ndef test_it(v): pass\n"
    assert tell(text).finding is Finding.PASS


# Order.

ORDERED = {
    f"test_{letter}.py": "".join(f"def test_{n}():\n    print('ran', __name__)\n" for n in range(4))
    for letter in "abc"
}


def order_of(tell, run_one, **variables):
    log = (
        "import pathlib\ndef pytest_runtest_setup(item):\n"
        "    with pathlib.Path('order.txt').open('a') as f: f.write(item.nodeid + '\\n')\n"
    )
    files = ORDERED | {"conftest.py": log, "test_it.py": "", "pytest.ini": "[pytest]\n"}
    seen = []

    def run(task):
        outcome = run_pytest(task)
        seen.extend((task.folder / "order.txt").read_text().split())
        return outcome

    assert run_one(run, PytestStep(run="pytest"), files, **variables).finding is Finding.PASS
    return seen


def test_a_seed_shuffles_and_keeps_modules_whole(tell, run_one):
    plain = order_of(tell, run_one)
    assert plain == sorted(plain)
    one, two = (order_of(tell, run_one, **{outcomes.ORDER: seed}) for seed in ("1", "2"))
    assert order_of(tell, run_one, **{outcomes.ORDER: "1"}) == one
    assert sorted(one) == sorted(two) == plain
    assert len({tuple(plain), tuple(one), tuple(two)}) == 3
    modules = [name.partition("::")[0] for name in one]
    assert len([m for at, m in enumerate(modules) if at == 0 or modules[at - 1] != m]) == 3


# Attacks: what test code does to look passed.


def test_a_conftest_that_sets_the_exit_status_is_not_believed(tell):
    hook = "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n"
    outcome = tell(FAILS, files={"conftest.py": hook})
    assert outcome.finding is Finding.FAIL
    assert outcome.outcomes == {"test_it.py::test_fails": "failed"}


def test_a_process_that_exits_with_zero_in_the_middle_is_not_believed(tell):
    text = HOLDS + "import os\ndef test_leaves():\n    os._exit(0)\ndef test_z():\n    pass\n"
    outcome = tell(text)
    assert outcome.finding is Finding.FAIL
    reason = "pytest ended before its session did, in test_it.py::test_leaves"
    assert outcome.reasons == (reason,)


def test_a_session_that_is_stopped_with_zero_is_not_believed(tell):
    text = HOLDS + "import pytest\ndef test_leaves():\n    pytest.exit('enough', returncode=0)\n"
    outcome = tell(text + "def test_z():\n    pass\n")
    assert outcome.finding is Finding.FAIL
    assert "2 of 3 tests that were to run have no outcome" in outcome.reasons[0]


def test_a_conftest_that_runs_nothing_is_not_believed(tell):
    hook = "def pytest_runtest_protocol(item, nextitem):\n    return True\n"
    outcome = tell(HOLDS, files={"conftest.py": hook})
    assert outcome.finding is Finding.FAIL
    assert "test_it.py::test_holds" in outcome.reasons[0]


@pytest.mark.parametrize("hook", ["makereport", "logreport"])
def test_a_conftest_that_reports_failures_as_passed_is_not_believed(tell, hook):
    hooks = {
        "makereport": """
            import pytest

            @pytest.hookimpl(hookwrapper=True)
            def pytest_runtest_makereport(item, call):
                report = (yield).get_result()
                report.outcome = "passed"
        """,
        "logreport": """
            import pytest

            @pytest.hookimpl(tryfirst=True)
            def pytest_runtest_logreport(report):
                report.outcome = "passed"
        """,
    }
    outcome = tell(FAILS, files={"conftest.py": hooks[hook]})
    assert outcome.finding is Finding.FAIL
    assert "test_it.py::test_fails raised, and passed" in outcome.reasons[0]


FORGED = """
    import json, pathlib, sys

    LINE = json.dumps(["outcome", "test_it.py::more", "passed"]) + chr(10)

    def test_forges():
        reporter = sys.modules["chimera_proof_outcomes"]
        scratch = pathlib.Path(reporter.__file__).parent
        [file] = (scratch / "outcomes").glob("*.jsonl")
        {deed}
"""


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("file.unlink()", "pytest kept no outcomes"),
        ("file.write_text('')", "altered|ended before"),
        ("with file.open('a') as f: f.write(LINE)", "altered"),
        ("(file.parent / 'more.jsonl').write_text(LINE)", "ended before its session did"),
        ("(file.parent / 'more.jsonl').symlink_to('/dev/zero')", "put out of reach"),
        ("import os; os.mkfifo(file.parent / 'more.jsonl')", "put out of reach"),
        ("reporter.Reporter._tell = lambda self, *told: None", "have no outcome"),
    ],
)
def test_a_report_that_test_code_touches_is_not_believed(tell, deed, said):
    outcome = tell(FORGED.replace("{deed}", deed))
    assert outcome.finding is Finding.FAIL
    assert any(part in r for r in outcome.reasons for part in said.split("|")), outcome.reasons


def test_the_key_is_gone_before_test_code_runs(tell):
    text = """
        import os, pathlib, sys

        def test_looks():
            folder = pathlib.Path(sys.modules["chimera_proof_outcomes"].__file__).parent
            assert not (folder / "outcomes" / "key").exists()
            assert "CHIMERA_PROOF_OUTCOMES" not in os.environ
    """
    assert tell(text).finding is Finding.PASS


def test_leaving_the_reporter_out_is_not_believed(tell):
    outcome = tell(args=["-p", "no:chimera_proof_outcomes"])
    assert outcome.finding is Finding.FAIL
    assert "pytest kept no outcomes" in outcome.reasons[0]


# Other ways of running tests.


def test_workers_of_xdist_tell_as_well(tell):
    text = "import pytest\n" + HOLDS + FAILS + THREAD.replace("\n    ", "\n")
    outcome = tell(text, args=["-n", "2"])
    assert outcome.outcomes["test_it.py::test_holds"] == "passed"
    assert outcome.outcomes["test_it.py::test_fails"] == "failed"
    assert any("ZeroDivisionError" in reason for reason in outcome.reasons)
    assert tell(HOLDS, args=["-n", "2"]).finding is Finding.PASS


def test_a_worker_that_dies_fails(tell):
    text = HOLDS + "import os\ndef test_dies():\n    os._exit(0)\n"
    outcome = tell(text, args=["-n", "1"])
    assert outcome.finding is Finding.FAIL
    assert any("test_dies" in reason for reason in outcome.reasons)


def test_a_failing_subtest_fails_its_test(tell):
    text = """
        import unittest

        class Case(unittest.TestCase):
            def test_it(self):
                for n in range(2):
                    with self.subTest(n=n):
                        self.assertEqual(n, 0)
    """
    outcome = tell(text)
    assert outcome.finding is Finding.FAIL
    assert outcome.outcomes == {"test_it.py::Case::test_it": "failed"}


def test_the_plugin_imports_nothing_of_the_engine():
    code = f"import runpy, sys; runpy.run_path({outcomes.__file__!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"chimera", "pydantic"} & set(done.stdout.split())


def test_the_order_is_asked_for_by_the_variable_that_conditions_set():
    assert conditions.ORDER_SEED == outcomes.ORDER
