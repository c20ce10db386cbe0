import os
import shutil
import signal
import tempfile
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from chimera.kinds import Field, Model
from chimera.model import ChimeraError, Finding, Outcome
from chimera.plugin import hookimpl
from chimera.proof import StepOutcome, prove
from chimera.runtime import Operation


def command(*argv: str, **expect: object) -> dict[str, object]:
    return {"run": "command", "argv": list(argv), "expect": expect or {"exitCode": 0}}


def test_proof_whose_steps_hold_and_whose_control_fails_passes(bench):
    report = bench.prove_one()
    assert (report.finding, report.outcome, report.reasons) == (
        Finding.PASS,
        Outcome.PASSED,
        (),
    )
    assert [run.label for run in report.repetitions] == ["repetition 1", "repetition 2"]
    assert report.exercised == 2  # the exit code and the output
    assert [run.finding for run in report.controls] == [Finding.FAIL]
    assert bench.standing().state == "valid"


def test_failing_expectation_fails_and_says_what_came(bench):
    bench.write("src/answer.py", "import sys; print(41); sys.exit('no luck')\n")
    report = bench.prove_one(controls=[{"mutate": "delete", "path": "src/answer.py"}])
    assert (report.finding, report.outcome) == (Finding.FAIL, Outcome.FAILED)
    assert any("stdout equals '42\\n'" in reason for reason in report.reasons)
    assert any("exit code 1, and it said: no luck" in reason for reason in report.reasons)
    assert report.controls == ()  # what fails by itself needs no control
    assert bench.standing().state == "failed"


def test_step_after_a_failed_one_does_not_run(bench):
    bench.write("src/answer.py", "raise SystemExit(1)\n")
    report = bench.prove_one(
        steps=[command("python", "src/answer.py"), command("touch", "later")],
        controls=[{"mutate": "delete", "path": "src/answer.py"}],
    )
    assert len(report.repetitions[0].steps) == 1


def test_outcome_that_changes_with_the_hash_seed_is_not_deterministic(bench):
    bench.write("src/answer.py", "print(hash('x') if hash('x') % 2 else 42)\nprint(hash('x'))\n")
    report = bench.prove_one(
        repeat=6,
        steps=[
            command("python", "-c", "import sys; sys.exit(hash('x') % 2)"),
            command("python", "src/answer.py"),
        ],
        controls=[{"mutate": "delete", "path": "src/answer.py"}],
    )
    assert (report.finding, report.outcome) == (Finding.FAIL, Outcome.NOT_DETERMINISTIC)


def test_artifact_that_differs_shows_its_first_differing_region(bench):
    bench.write(
        "src/answer.py",
        "import os\nprint(42)\nopen('report.txt','w').write("
        "'same\\nsame\\nseed ' + os.environ['PYTHONHASHSEED'] + '\\n')\n",
    )
    report = bench.prove_one(artifacts=[{"paths": "report.txt"}])
    assert report.outcome is Outcome.NOT_DETERMINISTIC
    (divergence,) = report.divergences
    assert (divergence.what, divergence.line) == ("artifact report.txt", 3)
    assert divergence.column == 6
    assert divergence.diff == (" same", " same", "-seed 1", "?     ^", "+seed 2", "?     ^")


def test_working_path_differs_between_repetitions(bench):
    bench.write("src/answer.py", "import os\nprint(42)\nopen('here','w').write(os.getcwd())\n")
    report = bench.prove_one(artifacts=[{"paths": "here"}])
    assert report.outcome is Outcome.NOT_DETERMINISTIC
    assert report.divergences[0].what == "artifact here"


def test_normalizer_takes_out_what_may_differ_and_nothing_else(bench):
    bench.write(
        "src/answer.py",
        "import os\nprint(42)\nseed = os.environ['PYTHONHASHSEED']\n"
        "open('out.xml','w').write(f'<suite time=\"{seed}\" tests=\"3\"/>')\n",
    )
    report = bench.prove_one(artifacts=[{"paths": "out.xml", "normalize": ["junit-times"]}])
    assert report.finding is Finding.PASS
    statement = bench.store.get(report.evidence)
    assert statement["predicate"]["normalizers"] == [{"paths": "out.xml", "apply": ["junit-times"]}]
    assert [item["name"] for item in statement["predicate"]["artifacts"]] == ["out.xml"]


def test_saved_stdout_is_an_artifact(bench):
    step = {"run": "command", "argv": ["python", "src/answer.py"], "saveStdout": "out/log.txt"}
    bench.write("src/answer.py", "print(42, hash('x'))\n")
    report = bench.prove_one(steps=[step, command("true")], artifacts=[{"paths": "out/**"}])
    assert report.divergences[0].what == "artifact out/log.txt"


def test_artifact_that_is_not_written_fails(bench):
    report = bench.prove_one(artifacts=[{"paths": "report.txt"}])
    assert report.finding is Finding.FAIL
    assert report.reasons == ("no artifact report.txt was written",)


def test_command_without_expectation_exercises_nothing(bench):
    report = bench.prove_one(steps=[{"run": "command", "argv": ["python", "src/answer.py"]}])
    assert (report.finding, report.outcome) == (Finding.NOT_EXERCISED, Outcome.NOT_EXERCISED)
    assert report.reasons == ("no assertion was exercised",)
    assert bench.standing().finding is Finding.NOT_EXERCISED


def test_control_under_which_the_proof_still_passes_fails_it(bench):
    report = bench.prove_one(
        controls=[
            {"mutate": "environment", "name": "NOBODY_READS", "value": "x"},
            {"mutate": "delete", "path": "src/answer.py"},
        ]
    )
    assert (report.finding, report.outcome) == (Finding.FAIL, Outcome.FAILED)
    assert report.reasons == (
        "the proof cannot fail: it does not under setting the variable NOBODY_READS",
    )


def test_control_that_only_keeps_the_proof_from_exercising_anything_fails_it(bench):
    bench.write(
        "tests/test_it.py",
        "import pathlib, pytest\ndef test_it():\n"
        "    if not pathlib.Path('src/answer.py').exists(): pytest.skip('gone')\n",
    )
    report = bench.prove_one(
        inputs=["src/**", "tests/**"],
        steps=[{"run": "pytest"}],
        controls=[{"mutate": "delete", "path": "src/answer.py"}],
    )
    (reason,) = report.reasons
    assert reason.startswith(
        "the proof cannot fail: it does not under deleting src/answer.py,"
        " where nothing was exercised: step 1: no test passed"
    )


def test_every_kind_of_control_reaches_the_steps(bench):
    bench.write("src/settings.yaml", "# kept\nlimits:\n  retries: 3\n")
    script = (
        "import os, sys\ntext = open('src/settings.yaml').read()\n"
        "sys.exit('retries: 3' not in text or '# kept' not in text or os.environ.get('BREAK'))\n"
    )
    bench.write("src/answer.py", script)
    report = bench.prove_one(
        steps=[command("python", "src/answer.py")],
        controls=[
            {
                "mutate": "set",
                "path": "src/settings.yaml",
                "field": ["limits", "retries"],
                "value": 4,
            },
            {"mutate": "replace", "path": "src/settings.yaml", "old": "# kept", "new": "#"},
            {"mutate": "environment", "name": "BREAK", "value": "yes"},
            {"mutate": "delete", "path": "src/settings.yaml"},
        ],
    )
    assert report.finding is Finding.PASS
    assert len(report.controls) == 4


def test_timeout_fails_and_leaves_no_process(bench):
    bench.write(
        "src/answer.py",
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "time.sleep(60)\n",
    )
    report = bench.prove_one(
        timeout="700ms", controls=[{"mutate": "delete", "path": "src/answer.py"}]
    )
    assert report.finding is Finding.FAIL
    assert report.reasons == ("step 1: python was ended at the proof's timeout of 700ms",)


def test_step_sees_its_inputs_and_nothing_else_of_the_work_tree(bench):
    bench.write("secret.txt", "uncommitted, and no input")
    bench.write("src/ignored.py", "")
    bench.write(
        "src/answer.py",
        "import os\n"
        "assert sorted(os.listdir('.')) == ['src'], os.listdir('.')\n"
        "assert os.path.realpath(os.environ['HOME']).startswith(os.path.dirname(os.getcwd()))\n"
        "assert os.path.realpath(os.environ['TMPDIR']).startswith(os.path.dirname(os.getcwd()))\n"
        f"assert not any({str(bench.root)!r} in value for value in os.environ.values())\n"
        "print(42)\n",
    )
    bench.write(".gitignore", "src/ignored.py\n.chimera/\n")
    bench.commit()
    assert bench.prove_one().finding is Finding.PASS


def test_proofs_do_not_see_one_anothers_folders(bench):
    bench.write(
        "src/answer.py",
        "import os, pathlib, tempfile, time\n"
        "for folder in ('..', os.environ['HOME'], tempfile.gettempdir(), '.'):\n"
        "    mark = pathlib.Path(folder, 'mark')\n"
        "    assert not mark.exists(), mark\n"
        "    mark.write_text('here')\n"
        "time.sleep(0.2)\nprint(42)\n",
    )
    bench.proof("first")
    bench.proof("second")
    reports = bench.prove("first", "second", jobs=4)
    assert [str(report.proof) for report in reports] == ["Proof/first", "Proof/second"]
    assert [report.finding for report in reports] == [Finding.PASS, Finding.PASS]


def test_environment_is_an_allow_list(bench, monkeypatch):
    monkeypatch.setenv("CHIMERA_LET_IN", "in")
    monkeypatch.setenv("CHIMERA_KEPT_OUT", "out")
    bench.write(
        "src/answer.py",
        "import os, time\n"
        "assert os.environ['CHIMERA_LET_IN'] == 'in' and os.environ['FIXED'] == '7'\n"
        "assert 'CHIMERA_KEPT_OUT' not in os.environ\n"
        "assert time.tzname[0] == 'UTC' and os.environ['LC_ALL'] == 'C.UTF-8'\n"
        "print(42)\n",
    )
    report = bench.prove_one(environment={"allow": ["CHIMERA_LET_IN"], "set": {"FIXED": "7"}})
    assert report.finding is Finding.PASS


def test_exported_code_is_imported_rather_than_the_installed_one(bench):
    bench.write("src/pluggy.py", "print('export')\n")
    bench.write("json.py", "print('export')\n")
    step = command("python", "-c", "import pluggy", stdout={"equals": "export\n"})
    report = bench.prove_one(steps=[step], controls=[{"mutate": "delete", "path": "src/pluggy.py"}])
    assert report.finding is Finding.PASS, report.reasons


def test_run_is_isolated_where_the_kernel_allows_and_the_evidence_says_so(bench):
    report = bench.prove_one()
    volatile = bench.store.get(report.evidence)["predicate"]["volatile"]
    assert volatile["isolation"] == asdict(bench.context.processes.isolation())


def test_step_that_no_plugin_runs_fails(bench):
    loaded = bench.load()
    bench.proof()
    loaded = bench.load()
    (report,) = prove(
        loaded.snapshot, [bench.get(loaded=loaded)], bench.context, lambda task: None, bench.store
    )
    assert report.finding is Finding.FAIL
    assert report.reasons == ("step 1: no plugin runs steps of the kind command",)


def test_step_whose_plugin_breaks_fails_with_the_error(bench):
    def broken(task):
        raise RuntimeError("plugin bug")

    bench.proof()
    loaded = bench.load()
    (report,) = prove(
        loaded.snapshot, [bench.get(loaded=loaded)], bench.context, broken, bench.store
    )
    assert report.reasons == ("step 1: RuntimeError: plugin bug",)


def test_secrets_never_reach_evidence(bench, monkeypatch):
    bench.context.secrets.add("hunter2hunter2")
    bench.write("src/answer.py", "print('hunter2hunter2')\n")
    report = bench.prove_one(controls=[{"mutate": "delete", "path": "src/answer.py"}])
    assert report.finding is Finding.FAIL
    assert not any(b"hunter2" in file.read_bytes() for file in bench.store.folder.glob("*.json"))
    assert not any("hunter2" in reason for reason in report.reasons)


def test_progress_hears_every_run(bench):
    heard = []

    class Ear:
        def start(self, label, total=None):
            heard.append((label, total))

        def advance(self, label, done, note=""):
            heard.append((label, done))

        def finish(self, label, note=""):
            heard.append((label, note))

    bench.context = replace(bench.context, progress=Ear())
    bench.prove_one()
    label = "Proof/answer"
    assert heard == [(label, 3), (label, 1), (label, 2), (label, 3), (label, "pass")]


def test_record_names_the_evidence(bench):
    written = []
    bench.proof()
    (report,) = bench.prove(record=lambda *record: written.append(record), environment="local")
    ((kind, name, spec),) = written
    assert (kind, name) == ("ReleaseProof", report.record)
    assert spec["evidence"] == report.evidence
    assert spec["at"] == "2026-11-21T00:00:00.000000Z"
    bench.document("proofs/records/one.yaml", kind, name, dict(spec))
    assert not bench.load().diagnostics


class Told:
    """Progress as it was told."""

    def __init__(self):
        self.events = []

    def start(self, label, total=None):
        self.events.append((label, 0, total))

    def advance(self, label, done, note=""):
        self.events.append((label, done))

    def finish(self, label, note=""):
        self.events.append((label, note))


def test_proofs_advance_side_by_side_and_none_waits_for_another_to_end(bench):
    bench.context = replace(bench.context, progress=Told())
    bench.write("src/slow.py", "import time\ntime.sleep(0.7)\nprint(42)\n")
    slow = command("python", "src/slow.py", stdout={"contains": ["42"]})
    bench.proof("slow", steps=[slow], controls=[{"mutate": "delete", "path": "src/slow.py"}])
    bench.proof("quick")
    assert [r.finding for r in bench.prove("slow", "quick", jobs=3)] == [Finding.PASS] * 2
    events = bench.context.progress.events
    assert events[:2] == [("Proof/slow", 0, 3), ("Proof/quick", 0, 3)]
    assert [e for e in events if e[1] == "pass"] == [
        ("Proof/quick", "pass"),
        ("Proof/slow", "pass"),
    ]
    for name in ("Proof/slow", "Proof/quick"):
        counts = [e[1] for e in events if e[0] == name and isinstance(e[1], int)]
        assert counts == sorted(counts)
        assert counts[-1] == 3


def test_run_that_cannot_be_made_ends_all(bench, monkeypatch):
    def full(inputs, tree, **_):
        raise shutil.Error([(str(inputs), str(tree), "[Errno 28] No space left on device")])

    bench.proof()
    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(ChimeraError, match="cannot be written"):
        bench.prove()


def test_interrupt_ends_every_process(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # where the runs' folders are
    bench.write("src/answer.py", "import time\nopen('began', 'w').close()\ntime.sleep(60)\n")
    bench.proof(repeat=5, controls=[{"mutate": "delete", "path": "src/answer.py"}])

    def running():
        return [link for link in Path("/proc").glob("[0-9]*/cwd") if is_below(link, tmp_path)]

    seen = []

    def interrupt():
        while len(list(tmp_path.glob("**/tree/began"))) < 2 and watched.is_set():
            time.sleep(0.01)
        seen.extend(running())
        os.kill(os.getpid(), signal.SIGINT)

    watched = threading.Event()
    watched.set()
    watcher = threading.Thread(target=interrupt)
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        bench.prove()
    watched.clear()
    watcher.join()
    assert len(seen) >= 2 or not Path("/proc").exists()
    assert running() == []
    assert bench.standing().state == "missing"


def is_below(link, folder):
    """Tell whether a process' working directory lies in a folder; one that is gone is nowhere."""
    try:
        return str(link.readlink()).startswith(str(folder))
    except OSError:
        return False


def test_artifacts_are_kept_by_their_digest(bench):
    bench.write("src/answer.py", "print(42)\nopen('trace.log', 'w').write('seen')\n")
    report = bench.prove_one(artifacts=[{"paths": "trace.log"}])
    (named,) = bench.store.get(report.evidence)["predicate"]["artifacts"]
    kept = bench.store.folder / "artifacts" / named["digest"]["sha256"]
    assert kept.read_bytes() == b"seen"


class Doubles:
    """A plugin with a kind of step of its own."""

    class Inputs(Model):
        """Inputs."""

        number: int = Field(description="A number.")

    @hookimpl
    def chimera_register_operations(self):
        twice = {"summary": "Double a number.", "run": lambda call: call.inputs, "reach": "tree"}
        return [Operation("doubling", inputs=self.Inputs, outputs=self.Inputs, **twice)]

    @hookimpl
    def chimera_run_proof_step(self, task):
        if task.step.run != "doubling":
            return None
        number = task.step.inputs["number"]
        return StepOutcome(Finding.PASS, outputs={"double": number * 2, "seed": task.repetition})


@pytest.mark.parametrize(
    ("expect", "reasons"),
    [
        ({"double": 4}, ("repetitions differ in step 1: outputs",)),
        ({"double": 5}, ("step 1: output double is 5: it was not so",)),
        ({"half": 1}, ("step 1: output half is 1: it was not so",)),
        ({}, ("step 1: no assertion was exercised",)),
    ],
)
def test_operation_is_judged_by_its_expected_outputs(bench, expect, reasons):
    bench.plugins.register(Doubles())
    step = {"run": "doubling", "inputs": {"number": 2}, "expect": expect}
    report = bench.prove_one(steps=[step], controls=[{"mutate": "delete", "path": "src/answer.py"}])
    assert report.finding is not Finding.PASS
    assert reasons[0].removeprefix("step 1: no") in " ".join(report.reasons)


def test_step_function_is_called_in_the_export_in_a_process_of_its_own(bench):
    class Asks:
        @hookimpl(tryfirst=True)
        def chimera_run_proof_step(self, task):
            answer = task.call("answer:double", 21, named="doubling")
            outcomes = {"is 42": "pass" if answer == 42 else "fail"}
            finding = Finding.PASS if answer == 42 else Finding.FAIL
            return StepOutcome(finding, outcomes, 1, answer)

    bench.plugins.register(Asks())
    bench.write("src/answer.py", "def double(number):\n    print('noise')\n    return number * 2\n")
    control = {"mutate": "replace", "path": "src/answer.py", "old": "* 2", "new": "/ 0"}
    report = bench.prove_one(controls=[control])
    assert report.finding is Finding.PASS, report.reasons
    assert "ZeroDivisionError" in report.controls[0].reasons[0]
