"""The composite action's own steps, run by bash in real clones, against a fake API server.

The scripts are those of action.yml, with the conditions and the environment that it gives them.
What is stood in for: GitHub (tests/github/conftest.py), and pip, which would need the network; in
place of what it installs, the command runs this checkout.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github" / "actions" / "chimera"
DEFINITION: dict[str, Any] = yaml.safe_load((ACTION / "action.yml").read_text("utf-8"))

PYTHON = f"""\
#!/bin/bash
# Stands in for python3: `-I -m venv FOLDER` makes commands that run this checkout.
if [ "$2 $3" != "-m venv" ]; then exec {shlex.quote(sys.executable)} "$@"; fi
mkdir -p "$4/bin"
cat > "$4/bin/python" <<'END'
#!/bin/bash
echo "pip: $*"
[ -z "$BROKEN_INDEX" ]
END
cat > "$4/bin/chimera" <<'END'
#!/bin/bash
PYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.quote(sys.executable)} -P -m chimera "$@"
END
chmod +x "$4/bin/python" "$4/bin/chimera"
"""


@dataclass
class Job:
    """One run of the action: what its steps said, and how it ended."""

    log: str = ""
    code: int = 0
    summary: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def heard(self) -> list[str]:
        """The workflow commands that a runner would act on, stopped ones left out."""
        found: list[str] = []
        stopped = None
        for line in map(str.strip, self.log.splitlines()):
            if stopped is not None:
                stopped = None if line == f"::{stopped}::" else stopped
            elif line.startswith("::stop-commands::"):
                stopped = line.removeprefix("::stop-commands::")
            elif line.startswith("::") or "##[" in line:
                found.append(line)
        assert stopped is None
        return found


class Runner:
    """Runs the steps as GitHub's runner does: `bash -eo pipefail`, files for output and summary."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.bin / "python3").write_text(PYTHON)
        (self.bin / "python3").chmod(0o755)
        self.event = folder / "event.json"
        self.event.write_text(json.dumps({"pull_request": {"number": 7}}))
        self.url = url
        self.number = 0

    def run(self, tree: Path, broken_index: bool = False, **inputs: str) -> Job:
        """Run every step of the action over a checkout."""
        self.number += 1
        temp = self.folder / f"temp {self.number}"
        temp.mkdir()
        given = {name: str(i.get("default", "")) for name, i in DEFINITION["inputs"].items()}
        given |= inputs
        job = Job()
        for step in DEFINITION["runs"]["steps"]:
            if not self._wanted(step.get("if", "success()"), given, job):
                continue
            summary, output = temp / "summary", temp / "output"
            output.write_text("")
            environment = {
                "PATH": f"{self.bin}:{os.environ['PATH']}",
                "HOME": str(temp),
                "BROKEN_INDEX": "1" if broken_index else "",
                "GITHUB_ACTIONS": "true",
                "GITHUB_API_URL": self.url,
                "GITHUB_REPOSITORY": "team/repo",
                "GITHUB_EVENT_PATH": str(self.event),
                "GITHUB_RUN_NUMBER": str(self.number),
                "GITHUB_RUN_ATTEMPT": "1",
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(summary),
                "RUNNER_TEMP": str(temp),
                **{k: _fill(v, given, job) for k, v in step.get("env", {}).items()},
            }
            assert step["shell"] == "bash"
            assert "${{" not in step["run"], "what is put into a script is run by it"
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=tree,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            job.log += done.stdout
            written = dict(line.split("=", 1) for line in output.read_text().splitlines())
            job.outputs[step.get("id", "")] = written
            if not step.get("continue-on-error"):
                job.code = job.code or done.returncode
            job.summary = summary.read_text("utf-8") if summary.exists() else ""
        return job

    def _wanted(self, condition: str, given: dict[str, str], job: Job) -> bool:
        known = {
            "always()": True,
            "success()": job.code == 0,
            "inputs.prove == 'true'": given["prove"] == "true",
            "inputs.base != ''": given["base"] != "",
            "steps.check.outputs.exit-code == '0'": job.outputs.get("check", {}).get("exit-code")
            == "0",
            "inputs.comment == 'true'": given["comment"] == "true",
            "inputs.token != ''": given["token"] != "",
        }
        return all(known[part.strip()] for part in condition.split("&&"))


def _fill(text: str, given: dict[str, str], job: Job) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name == "github.action_path":
            return str(ACTION)
        if name.startswith("inputs."):
            return given[name.removeprefix("inputs.")]
        step, output = re.fullmatch(r"steps\.(\w+)\.outputs\.([\w-]+)", name).groups()  # type: ignore[union-attr]
        return job.outputs.get(step, {}).get(output, "")

    return re.sub(r"\$\{\{ (.*?) \}\}", value, text)


@pytest.fixture
def runner(tmp_path: Path, fake_github: Any) -> Runner:
    return Runner(tmp_path, fake_github.url)


def git(tree: Path, *arguments: str) -> None:
    author = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
    subprocess.run(["git", *author, *arguments], cwd=tree, check=True, capture_output=True)


ROLE = "apiVersion: chimera/v1\nkind: Role\nmetadata: {name: %s}\nspec: {members: [Identity/ann]}\n"
ANN = "apiVersion: chimera/v1\nkind: Identity\nmetadata: {name: ann}\nspec: {kind: human}\n"


@pytest.fixture
def pull_request(tmp_path: Path) -> Any:
    """Check a change out as actions/checkout does: the merge commit, and not much history."""

    def checkout(files: dict[str, str], depth: int = 2) -> Path:
        origin = tmp_path / f"origin{len(list(tmp_path.iterdir()))}"
        (origin / "specs").mkdir(parents=True)
        (origin / "specs" / "ann.yaml").write_text(ANN)
        (origin / "specs" / "owner.yaml").write_text(ROLE % "owner")
        git(origin.parent, "init", "-qb", "main", str(origin))
        git(origin, "add", "-A")
        git(origin, "commit", "-qm", "base")
        git(origin, "checkout", "-qb", "topic")
        for path, text in files.items():
            (origin / path).write_text(text)
        git(origin, "add", "-A")
        git(origin, "commit", "-qm", "change", "--allow-empty")
        git(origin, "checkout", "-q", "main")
        git(origin, "commit", "-qm", "meanwhile", "--allow-empty")
        git(origin, "checkout", "-q", "--detach")
        git(origin, "merge", "-q", "--no-ff", "-m", "merge", "topic")
        git(origin, "branch", "pull")
        tree = origin.with_name(f"{origin.name}-checkout")
        git(
            tmp_path,
            "clone",
            "-q",
            "--depth",
            str(depth),
            "-b",
            "pull",
            f"file://{origin}",
            str(tree),
        )
        return tree

    return checkout


def test_a_broken_change_is_annotated_summed_up_commented_and_fails(
    runner: Runner, pull_request: Any, fake_github: Any
) -> None:
    tree = pull_request({"specs/other.yaml": ROLE % "other" + "extra: 1\n"})
    job = runner.run(tree, token="good")
    assert job.code == 1, job.log
    assert any(line.startswith("::error file=specs/other.yaml,line=5,") for line in job.heard)
    assert job.heard[-1].startswith("::notice title=chimera check::failed: 1 error")
    assert "### ❌ chimera check: failed" in job.summary
    assert "#### What failed" in job.summary
    assert fake_github.own == [f"<!-- chimera:check 1.1 -->\n{job.summary}"]
    folder = Path(job.outputs["folder"]["path"])
    assert json.loads((folder / "chimera.sarif").read_text())["version"] == "2.1.0"
    assert json.loads((folder / "chimera.json").read_text())["outcome"] == "failed"
    assert job.outputs["check"]["exit-code"] == "1"


def test_a_good_change_passes_and_the_comment_follows(
    runner: Runner, pull_request: Any, fake_github: Any
) -> None:
    runner.run(pull_request({"specs/other.yaml": ROLE % "Bad"}), token="good")
    job = runner.run(pull_request({"specs/other.yaml": ROLE % "other"}), token="good")
    assert job.code == 0, job.log
    assert "#### What changes" in job.summary
    assert "`Role/other`" in job.summary
    assert "`Role/owner`" not in job.summary
    assert fake_github.own == [f"<!-- chimera:check 2.1 -->\n{job.summary}"]


def test_without_a_token_everything_but_the_comment_is_there(
    runner: Runner, pull_request: Any, fake_github: Any
) -> None:
    job = runner.run(pull_request({"specs/other.yaml": ROLE % "Bad"}))
    assert (job.code, bool(job.summary)) == (1, True)
    assert fake_github.requests == []


def test_the_token_of_a_fork_costs_the_comment_alone(
    runner: Runner, pull_request: Any, fake_github: Any
) -> None:
    job = runner.run(pull_request({"specs/other.yaml": ROLE % "other"}), token="read-only")
    assert job.code == 0
    assert any("::no comment: this token may not comment" in line for line in job.heard)
    assert fake_github.own == []


def test_a_clone_without_the_base_fails_and_says_so(runner: Runner, pull_request: Any) -> None:
    job = runner.run(pull_request({"specs/other.yaml": ROLE % "other"}, depth=1))
    assert job.code == 4, job.log
    assert "no result" in job.summary
    (said,) = job.heard
    assert said.startswith("::error title=chimera::chimera check gave no result. error: ")
    assert "depth" in said


def test_an_install_that_fails_still_reports(
    runner: Runner, pull_request: Any, fake_github: Any
) -> None:
    job = runner.run(pull_request({}), broken_index=True, token="good")
    assert job.code != 0
    assert "no result" in job.summary
    assert len(fake_github.own) == 1
    assert job.heard[-1].startswith("::error title=chimera::chimera check gave no result.")


def test_the_sources_beside_the_action_are_installed(runner: Runner, pull_request: Any) -> None:
    tree = pull_request({})
    (line,) = [x for x in runner.run(tree).log.splitlines() if x.startswith("pip: ")]
    sources = line.partition("--quiet ")[2]
    assert Path(sources).resolve() == ROOT
    assert "--quiet chimera==1" in runner.run(tree, package="chimera==1").log


HOSTILE = r"""
apiVersion: chimera/v1
kind: Policy
metadata: {name: hostile}
spec:
  match: {kinds: [Role]}
  rules:
    - id: never
      expression: size(object.spec.members) > 1
      message: "x\n::set-output name=a::b\n##[add-mask]c"
      action: deny
  cases:
    - {name: fails, object: {spec: {members: [Identity/ann]}}, expect: [never]}
    - {name: holds, object: {spec: {members: [Identity/ann, Identity/ben]}}, expect: []}
"""


def test_a_document_gives_the_runner_no_command(runner: Runner, pull_request: Any) -> None:
    job = runner.run(pull_request({"specs/hostile.yaml": HOSTILE}))
    mute = job.log.partition("::stop-commands::")[2].partition("\n")[0]
    muted = job.log.partition(f"::stop-commands::{mute}\n")[2].partition(f"\n::{mute}::\n")[0]
    assert ":set-output name=a::b" in muted
    assert {line.split()[0] for line in job.heard} == {"::error", "::notice"}


def test_no_module_of_the_change_is_imported_by_the_steps(
    runner: Runner, pull_request: Any
) -> None:
    """The steps run where the change is checked out, which Python would look into first."""
    names = ("secrets", "venv", "pip", "json")
    files = {f"{name}.py": "open('pwned', 'w'); raise SystemExit" for name in names}
    tree = pull_request(files)
    job = runner.run(tree, token="good")
    assert not (tree / "pwned").exists(), job.log
    steps = "\n".join(step["run"] for step in DEFINITION["runs"]["steps"])
    calls = re.findall(r"(?:python3|bin/python\"?) +(\S+)", steps)
    assert calls == ["-I"] * 5


def test_arguments_are_words_and_never_a_script(runner: Runner, pull_request: Any) -> None:
    tree = pull_request({})
    assert runner.run(tree, args="--env nowhere").code == 4
    job = runner.run(tree, args="$(touch pwned) ; touch pwned", base="HEAD; touch pwned")
    assert job.code == 4
    assert not (tree / "pwned").exists()


PROOF = """\
apiVersion: chimera/v1
kind: Proof
metadata: {name: roles}
spec:
  claim: The file of roles says what it must.
  covers: {kinds: [Role]}
  inputs: [specs/**]
  steps:
    - {run: command, argv: [cat, specs/other.yaml], expect: {stdout: {contains: ["[Identity/%s]"]}}}
  controls:
    - {mutate: replace, path: specs/other.yaml, old: ann, new: nobody}
"""


def test_what_the_change_owes_is_proven(runner: Runner, pull_request: Any) -> None:
    files = {"specs/other.yaml": ROLE % "other"}
    good = runner.run(pull_request({**files, "specs/proof.yaml": PROOF % "ann"}))
    assert (good.code, good.outputs["prove"]["exit-code"]) == (0, "0"), good.log
    assert "Proof/roles" in good.summary
    assert "### ✅ chimera prove: passed" in good.summary
    tree = pull_request({**files, "specs/proof.yaml": PROOF % "ben"})
    bad = runner.run(tree)
    assert (bad.code, bad.outputs["check"]["exit-code"]) == (1, "0"), bad.log
    assert any(line.startswith("::error") and "Proof/roles" in line for line in bad.heard)
    assert runner.run(tree, prove="false").code == 0


def test_without_a_base_the_tree_is_judged_as_it_is(runner: Runner, pull_request: Any) -> None:
    job = runner.run(pull_request({"specs/other.yaml": ROLE % "other"}, depth=1), base="")
    assert job.code == 0, job.log
    assert "What changes" not in job.summary
