"""The pytest plugin as it is once Chimera is installed: found by its entry point, in real runs."""

from __future__ import annotations

from pathlib import Path

import pytest

import chimera

pytest_plugins = ["pytester"]

ENGINE = Path(chimera.__file__).parents[1]
PROOF = """\
apiVersion: chimera/v1
kind: Proof
metadata: {name: NAME}
spec:
  claim: The answer is right.
  covers: {paths: [src/**]}
  inputs: [src/**]
  steps:
    - run: command
      argv: [python, src/NAME.py]
      expect: {stdout: {equals: "42\\n"}}
  controls:
    - {mutate: replace, path: src/NAME.py, old: "42", new: "41"}
"""


class Project:
    """A repository with proofs, beside which Chimera is installed."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.root = pytester.path
        self._pytester = pytester
        pytester.run("git", "init", "--quiet")
        self.write(".gitignore", "site/\n.chimera/\n")

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def proof(self, name: str, script: str = "print(42)\n", text: str = PROOF) -> None:
        self.write(f"src/{name}.py", script)
        self.write(f"proofs/{name}.yaml", text.replace("NAME", name))

    def run(self, *arguments: str) -> pytest.RunResult:
        quick = ("-p", "no:hypothesispytest")  # importing it takes as long as all the rest
        return self._pytester.runpytest_subprocess(*quick, *arguments)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    site = pytester.mkdir("site")
    info = site / "chimera-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: chimera\nVersion: 0.1.0\n")
    entry = "[pytest11]\nchimera = chimera.builtin.testing.pytest_plugin\n"
    (info / "entry_points.txt").write_text(entry)
    monkeypatch.setenv("PYTHONPATH", f"{site}:{ENGINE}")
    return Project(pytester)


def test_the_entry_point_is_the_one_that_the_package_has():
    entry = 'chimera = "chimera.builtin.testing.pytest_plugin"'
    assert f"[project.entry-points.pytest11]\n{entry}\n" in (ENGINE / "pyproject.toml").read_text()


# Proof documents.


def test_each_proof_of_a_folder_is_a_test(project):
    project.proof("one")
    project.proof("two")
    result = project.run("proofs", "-v", "-rP")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["proofs/one.yaml::one PASSED*", "proofs/two.yaml::two PASSED*"])
    result.stdout.fnmatch_lines(["*pass*Proof/one: 2 repetitions, 2 assertions, 1 control;*"])
    again = project.run("proofs/one.yaml", "-rP")
    again.assert_outcomes(passed=1)
    again.stdout.fnmatch_lines(["*reused*Proof/one*"])


def test_a_proof_that_fails_says_why_at_the_line_of_its_step(project):
    project.proof("one", "print(41)  # 42\n")
    project.proof("two")
    result = project.run("proofs")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "Proof/one fail: The answer is right.",
            "proofs/one.yaml:9: step 1: stdout equals '42?n'*",
            "FAILED proofs/one.yaml::one*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*Captured proof*")
    told = [line for line in result.outlines if "stdout equals" in line]
    assert len(told) == 1


def test_repetitions_that_differ_show_where(project):
    text = PROOF.replace("expect: ", "saveStdout: out.txt\n      expect: ")
    text = text.replace('equals: "42\\n"', "matches: .")
    text = text.replace("  controls:", "  artifacts: [{paths: out.txt}]\n  controls:")
    project.proof("one", "import os\nprint(os.environ['PYTHONHASHSEED'])  # 42\n", text)
    result = project.run("proofs")
    result.assert_outcomes(failed=1)
    shown = ["*artifact out.txt*differs between*", "*-1", "*+2", "help: *one --diagnose*"]
    result.stdout.fnmatch_lines(shown)


def test_a_proof_that_cannot_fail_says_which_control_it_survived(project):
    project.proof("one", "print(6 * 7)  # 42\n")
    result = project.run("proofs")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["proofs/one.yaml:13: the proof cannot fail:*src/one.py"])


def test_a_proof_that_exercised_nothing_fails(project):
    skipping = "import pytest\n@pytest.mark.skip\ndef test_it(): pass\n"
    text = PROOF.replace("run: command", "run: pytest").replace("argv: [python, ", "paths: [")
    text = text.replace('      expect: {stdout: {equals: "42\\n"}}\n', "")
    project.proof("one", skipping + "# 42\n", text)
    result = project.run("proofs")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "Proof/one not-exercised: The answer is right.",
            "proofs/one.yaml:9: step 1: no test passed: 1 skipped",
        ]
    )


def test_a_document_that_is_not_valid_fails_with_its_faults(project):
    project.proof("one", text=PROOF.replace("inputs: [src/**]", "inputs: []"))
    result = project.run("proofs")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*proofs/one.yaml:7:*proof-without-inputs*"])


def test_a_file_that_is_no_yaml_fails_rather_than_vanishes(project):
    project.proof("one", text=PROOF + "  claim: [\n")
    result = project.run("proofs")
    result.assert_outcomes(failed=1)


def test_proofs_are_selected_by_name(project):
    project.proof("one")
    project.proof("two")
    result = project.run("proofs", "-k", "two")
    result.assert_outcomes(passed=1, deselected=1)


def test_workers_share_the_proofs(project):
    for name in ("one", "two", "three"):
        project.proof(name)
    project.run("proofs", "-n", "2").assert_outcomes(passed=3)


DORMANT = """\
apiVersion: chimera/v1
kind: LayerContract
metadata: {name: ops}
spec:
  purpose: who acts
  layers:
    - id: later
      name: later
      status: dormant
      purpose: improves what is there
      admits: {kinds: [Proof]}
      trigger: none
      whenActive: {trigger: human}
"""


def test_a_proof_of_a_dormant_layer_is_skipped_as_nothing_acts_there(project):
    project.proof("one")
    project.write("specs/ops.yaml", DORMANT)
    result = project.run("proofs", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*Proof/one stands in a dormant layer*"])


# Where nothing happens.


@pytest.mark.parametrize("arguments", [(), (".",), ("tests",)])
def test_proofs_that_nobody_named_are_not_run(project, arguments):
    project.proof("one")
    project.write("tests/test_it.py", "def test_it(): pass\n")
    project.run(*arguments).assert_outcomes(passed=1)


def test_documents_that_the_repository_does_not_read_are_left_alone(project):
    project.write("tests/golden/one.yaml", PROOF)
    project.write("tests/test_it.py", "def test_it(): pass\n")
    project.run("tests").assert_outcomes(passed=1)


def test_the_plugin_can_be_left_out(project):
    project.proof("one")
    assert project.run("proofs", "-p", "no:chimera").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_no_proof_is_collected_inside_a_proof(project):
    project.proof("one")
    project.write("site/chimera_proof_outcomes.py", "")
    inside = ("-p", "chimera_proof_outcomes")
    assert project.run("proofs", *inside).ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert project.run(*inside, "--chimera-update-snapshots").ret == pytest.ExitCode.USAGE_ERROR


def test_a_project_without_proofs_pays_for_nothing(project):
    project.write("data/plain.yaml", "kind: ConfigMap\n")
    project.write(
        "tests/test_it.py",
        "import sys\ndef test_it():\n"
        "    loaded = {name for name in sys.modules if name.split('.')[0] == 'chimera'}\n"
        "    assert loaded == {'chimera', 'chimera.builtin', 'chimera.builtin.testing',"
        " 'chimera.builtin.testing.pytest_plugin'}\n"
        "    assert not {'pydantic', 'yaml', 'numpy', 'click', 'rich'} & set(sys.modules)\n",
    )
    project.run("tests", "data").assert_outcomes(passed=1)


# Fixtures.


def test_a_repository_is_checked_planned_and_proven(project):
    project.write(
        "tests/test_it.py",
        """
from chimera.model import Finding, Outcome

def test_it(chimera_repo):
    chimera_repo.write("src/answer.py", "print(42)")
    chimera_repo.document("Proof/answer", {
        "claim": "the answer is right",
        "covers": {"paths": ["src/**"]},
        "inputs": ["src/**"],
        "steps": [{"run": "command", "argv": ["python", "src/answer.py"],
                   "expect": {"stdout": {"contains": ["42"]}}}],
        "controls": [{"mutate": "replace", "path": "src/answer.py", "old": "42", "new": "41"}],
    })
    base = chimera_repo.commit("begin")
    assert chimera_repo.check().outcome is Outcome.PASSED
    chimera_repo.write("src/answer.py", "print(40 + 2)  # 42")
    chimera_repo.commit()
    plan = chimera_repo.plan(base=base).value.plan
    assert [str(item.change.target) for item in plan.items] == ["paths:src/**"]
    [report] = chimera_repo.prove("answer").value.proven
    assert report.finding is Finding.FAIL  # 42 stands in a comment only
    assert "cannot fail" in report.reasons[0]
""",
    )
    project.run("tests").assert_outcomes(passed=1)


def test_the_command_line_is_run_in_the_repository(project):
    project.write(
        "tests/test_it.py",
        """
def test_it(chimera_repo, chimera_run):
    assert chimera_run("check").code == 0
    chimera_repo.write("specs/wrong.yaml", "kind: Workflow\\n")
    answer = chimera_run("check", "-o", "json")
    assert answer.code == 1
    assert answer.json["diagnostics"]
    assert chimera_run("no-such-command").code == 4
    assert "No such command" in chimera_run("no-such-command").err
""",
    )
    project.run("tests").assert_outcomes(passed=1)


SNAPSHOT = """
import pytest

@pytest.mark.parametrize("name", ["a", "b/c"])
def test_it(chimera_snapshot, name):
    chimera_snapshot(f"says {name}\\n")
    chimera_snapshot({"b": 1, "a": [name]}, "value.json")
    chimera_snapshot(b"\\0", "bytes")
"""


def test_a_snapshot_is_written_when_asked_for_and_compared_otherwise(project):
    project.write("tests/test_it.py", SNAPSHOT)
    result = project.run("tests")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*nothing is stored at *output.txt;*--chimera-update-snapshots*"])
    assert not (project.root / "tests/snapshots").exists()
    project.run("tests", "--chimera-update-snapshots").assert_outcomes(passed=2)
    stored = project.root / "tests/snapshots/test_it/test_it_b_c_/value.json"
    assert stored.read_text() == '{\n  "a": [\n    "b/c"\n  ],\n  "b": 1\n}\n'
    stored.write_text(stored.read_text().replace("b/c", "B/c"))
    result = project.run("tests")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*value.json:3: it is another now*", '-    "B/c"', '+    "b/c"'])


def test_two_snapshots_of_one_name_that_differ_are_refused(project):
    project.write(
        "tests/test_it.py",
        "def test_it(chimera_snapshot):\n    chimera_snapshot('a')\n    chimera_snapshot('b')\n",
    )
    result = project.run("tests", "--chimera-update-snapshots")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*two values are to be kept as output.txt*"])
