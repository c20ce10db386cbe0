"""The `snapshot` step, and writing its golden files anew."""

import pytest

from chimera.model import Finding
from chimera.proof.checks import check
from chimera.proof.steps.models import SnapshotStep
from chimera.proof.steps.snapshot import run_snapshot
from chimera.proof.updating import update_snapshots

SAYS = "print('one')\nprint('two')\n"
STEP = {"run": "snapshot", "argv": ["python", "src/says.py"], "goldens": {"stdout": "golden.txt"}}
CONTROL = {"mutate": "replace", "path": "src/says.py", "old": "two", "new": "three"}


@pytest.fixture
def compare(run_one):
    """Run a snapshot step over a script and what else there is."""

    def compare(script=SAYS, files=(), **step):
        model = SnapshotStep.model_validate(STEP | step)
        return run_one(run_snapshot, model, {"src/says.py": script} | dict(files))

    return compare


def test_output_that_is_as_stored_passes(compare):
    outcome = compare(files={"golden.txt": "one\ntwo\n"})
    assert outcome.finding is Finding.PASS, outcome.reasons
    assert outcome.outcomes == {"exits with 0": "pass", "stdout equals golden.txt": "pass"}
    assert outcome.exercised == 2


def test_output_that_is_not_fails_and_shows_where(compare):
    outcome = compare(files={"golden.txt": "one\nTwo\n"})
    assert outcome.finding is Finding.FAIL
    assert outcome.reasons == ("stdout differs from golden.txt, line 2:\n one\n-Two\n?^\n+two\n?^",)


def test_a_newline_that_is_missing_is_a_difference(compare):
    assert compare(files={"golden.txt": "one\ntwo"}).finding is Finding.FAIL


def test_files_and_errors_are_compared_too(compare):
    script = "import sys\nopen('made.bin', 'wb').write(b'\\0\\1')\nprint('oh', file=sys.stderr)\n"
    goldens = {"made.bin": "g/made.bin", "stderr": "g/err.txt"}
    files = {"g/made.bin": "\0\1", "g/err.txt": "oh\n"}
    assert compare(script, files, goldens=goldens).finding is Finding.PASS
    outcome = compare(script, files | {"g/made.bin": "\0\2"}, goldens=goldens)
    assert outcome.reasons[0].startswith("made.bin differs from g/made.bin, byte 1:")


def test_an_exit_code_that_is_not_expected_fails(compare):
    script, files = SAYS + "raise SystemExit(3)\n", {"golden.txt": "one\ntwo\n"}
    assert compare(script, files).finding is Finding.FAIL
    assert compare(script, files, exitCode=3).finding is Finding.PASS


@pytest.mark.parametrize(
    ("script", "goldens", "said"),
    [
        (SAYS, {"stdout": "absent.txt"}, "there is no absent.txt"),
        (SAYS, {"never.txt": "golden.txt"}, "never.txt was not written as a file"),
        # Not what is stored but what stands there when all is over.
        (
            SAYS + "open('golden.txt', 'w').write('one\\ntwo\\n')\n",
            {"stdout": "golden.txt"},
            "stdout differs from golden.txt",
        ),
        # A link to the golden file would always agree.
        (
            SAYS + "import os\nos.symlink('golden.txt', 'made.txt')\n",
            {"made.txt": "golden.txt"},
            "made.txt was not written as a file",
        ),
    ],
)
def test_what_could_not_fail_is_refused(compare, script, goldens, said):
    outcome = compare(script, {"golden.txt": "stale\n"}, goldens=goldens)
    assert outcome.finding is Finding.FAIL
    assert said in outcome.reasons[0]


def test_a_secret_is_shown_on_neither_side(compare, monkeypatch):
    monkeypatch.setenv("A_TOKEN", "hunter2hunter2")
    outcome = compare("print('hunter2hunter2 x')\n", {"golden.txt": "hunter2hunter2 y\n"})
    assert outcome.finding is Finding.FAIL
    assert "hunter2" not in str(outcome)


# In a proof.


def write(bench, golden="one\ntwo\n", script=SAYS, **changes):
    bench.write("src/says.py", script)
    if golden is not None:
        bench.write("golden.txt", golden)
    inputs = ["src/**", "golden.txt"]
    bench.proof(**{"inputs": inputs, "steps": [STEP], "controls": [CONTROL]} | changes)


def update(bench):
    loaded = bench.load()
    [found] = update_snapshots(
        loaded.snapshot,
        [bench.get()],
        bench.context,
        lambda task: bench.plugins.hook.chimera_run_proof_step(task=task),
        bench.root,
    )
    return found


def faults(bench):
    return {d.rule for verdict in check(bench.load().snapshot) for d in verdict.diagnostics}


def test_a_proof_by_snapshot_passes_and_its_control_fails(bench):
    write(bench)
    [report] = bench.prove()
    assert report.finding is Finding.PASS, report.reasons
    assert [run.finding for run in report.controls] == [Finding.FAIL]


def test_output_that_was_cut_passes_for_no_golden_file(bench):
    script = (
        "import sys\nfor _ in range(17):\n    sys.stdout.write('x' * 1024 * 1024)\nprint('two')"
    )
    write(bench, script=script, golden="x" * (16 << 20))
    [report] = bench.prove()
    assert report.finding is Finding.FAIL
    assert "step 1: it said more than its output limit 16MiB" in report.reasons


def test_output_that_differs_between_repetitions_is_shown_as_that(bench):
    write(bench, script="import os\nprint(os.environ['PYTHONHASHSEED'])\n", golden="1\n")
    [report] = bench.prove()
    assert report.outcome.value == "not-deterministic"
    assert any("outputs" in divergence.what for divergence in report.divergences)


def test_a_golden_file_that_is_no_input_is_a_fault(bench):
    write(bench)
    assert "proof-golden-missing" not in faults(bench)
    write(bench, inputs=["src/**"])
    assert "proof-golden-missing" in faults(bench)


@pytest.mark.parametrize("path", ["/etc/passwd", "../golden.txt"])
def test_a_path_outside_the_tree_is_refused(bench, path):
    write(bench, steps=[STEP | {"goldens": {"stdout": path}}])
    assert {d.rule for d in bench.load().diagnostics} == {"proof-snapshot-outside-tree"}


def test_updating_writes_what_passes_and_leaves_no_evidence(bench):
    write(bench, golden=None)
    assert "proof-golden-missing" in faults(bench)
    assert update(bench).written == ("golden.txt",)
    assert (bench.root / "golden.txt").read_text() == "one\ntwo\n"
    assert not list((bench.root / ".chimera").rglob("*.json"))
    assert update(bench).unchanged == ("golden.txt",)
    assert bench.prove()[0].finding is Finding.PASS


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import os\nprint(os.environ['PYTHONHASHSEED'])\n", "repetitions differ in golden.txt"),
        (SAYS + "raise SystemExit(1)\n", "step 1: exit code 1"),
        ("print('hunter2hunter2')\n", "stdout holds a secret"),
    ],
)
def test_updating_refuses_what_is_not_fit_to_be_kept(bench, script, said):
    write(bench, script=script, golden="as before\n")
    bench.context.secrets.add("hunter2hunter2")
    found = update(bench)
    assert found.written == ()
    assert any(said in reason for reason in found.reasons), found.reasons
    assert (bench.root / "golden.txt").read_text() == "as before\n"


def test_updating_refuses_where_another_step_fails(bench):
    failing = {"run": "command", "argv": ["python", "-c", "raise SystemExit(1)"]}
    write(bench, golden="as before\n", steps=[STEP, failing])
    assert update(bench).written == ()


def test_updating_writes_through_no_symlink(bench, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    step = STEP | {"goldens": {"stdout": "linked/golden.txt"}}
    write(bench, inputs=["src/**"], steps=[step])
    (bench.root / "linked").symlink_to(outside)
    found = update(bench)
    assert found.written == ()
    assert found.reasons
    assert not list(outside.iterdir())
