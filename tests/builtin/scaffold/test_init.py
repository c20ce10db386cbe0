"""`chimera init`, in every folder that a newcomer may start in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from chimera.cli.main import run
from chimera.documents import load_documents, open_work_tree
from chimera.kinds import DEFAULT_ROOTS

ENGINE = Path(__file__).parents[3]


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".git", ".chimera"} & set(path.relative_to(folder).parts)
    }


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def empty(folder: Path) -> None:
    pass


def with_files(folder: Path) -> None:
    (folder / "src").mkdir()
    (folder / "src" / "app.py").write_text("print('hello')\n")
    (folder / "README.md").write_text("# mine\n")


def without_commits(folder: Path) -> None:
    git(folder, "init", "-q")


def with_a_commit(folder: Path) -> None:
    git(folder, "init", "-q")
    with_files(folder)
    git(folder, "add", ".")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")


@pytest.mark.parametrize("prepare", [empty, with_files, without_commits, with_a_commit])
def test_what_init_makes_passes_check(tmp_path, prepare, capsys):
    prepare(tmp_path)
    before = files_of(tmp_path)
    assert run(["-C", str(tmp_path), "init"]) == 0
    assert before.items() <= files_of(tmp_path).items()
    capsys.readouterr()
    assert run(["-C", str(tmp_path), "check"]) == 0
    assert "no faults" in capsys.readouterr().out


@pytest.mark.parametrize("with_git", [False, True])
def test_end_to_end_a_newcomer_without_an_identity_checks_proves_and_applies(tmp_path, with_git):
    """The road of `init` in fresh processes: no home, no Git identity, no commit."""
    home, folder = tmp_path / "home", tmp_path / "Fresh Start"
    home.mkdir()
    folder.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "PYTHONPATH": str(ENGINE),
    }
    if with_git:
        git(folder, "init", "-q")

    def chimera(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "chimera", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    chimera("init")
    assert "no faults" in chimera("check")
    assert "2 cases pass" in chimera("policy", "test")
    assert "pass  Proof/manifest" in chimera("prove")
    before = files_of(folder)
    assert "Workflow/manifest (run " in chimera("apply")
    assert "nothing to do" in chimera("apply")
    assert files_of(folder) == before
    assert "succeeded" in chimera("runs", "list")


def test_the_proof_fails_when_the_script_is_broken(tmp_path, capsys):
    run(["-C", str(tmp_path), "init"])
    script = tmp_path / "scripts" / "manifest.py"
    # Still what the control looks for, and no longer what the claim says.
    script.write_text(script.read_text().replace(".hexdigest()", ".hexdigest()[:8]"))
    assert run(["-C", str(tmp_path), "prove"]) == 1
    assert "fail  Proof/manifest" in capsys.readouterr().out


def test_the_policy_refuses_a_stage_without_a_timeout(tmp_path, capsys):
    run(["-C", str(tmp_path), "init"])
    workflow = tmp_path / "specs" / "workflows" / "manifest.yaml"
    workflow.write_text(workflow.read_text().replace("timeout: 1m", "", 1))
    assert run(["-C", str(tmp_path), "check"]) == 1
    assert "every stage says how long it may take" in capsys.readouterr().out


def test_work_of_a_newcomer_may_wait_for_people_and_times(tmp_path, capsys):
    assert run(["-C", str(tmp_path), "init"]) == 0
    (tmp_path / "specs/workflows/ship.yaml").write_text(
        "apiVersion: chimera/v1\nkind: Workflow\nmetadata: {name: ship}\nspec:\n  trigger: human\n"
        '  stages:\n    - {id: ask, timeout: 1h, confirm: {question: "Ship it?"}}\n'
        "    - {id: later, timeout: 1h, wait: {for: 1m}}\n"
    )
    capsys.readouterr()
    assert run(["-C", str(tmp_path), "check"]) == 0, capsys.readouterr().out


def test_a_second_init_writes_nothing(tmp_path, capsys):
    run(["-C", str(tmp_path), "init", "--github"])
    before = files_of(tmp_path)
    capsys.readouterr()
    assert run(["-C", str(tmp_path), "init", "--github", "--name", "another"]) == 0
    told = capsys.readouterr().out
    assert files_of(tmp_path) == before
    assert "wrote" not in told
    assert "exists  specs/repository.yaml" in told
    assert "exists  .gitignore" in told


def test_a_file_that_exists_stays_as_it_is(tmp_path, capsys):
    policy = tmp_path / "policies" / "workflow-timeouts.yaml"
    policy.parent.mkdir()
    policy.write_text("mine: yes\n")
    (tmp_path / ".gitignore").write_bytes(b"*.log")
    assert run(["-C", str(tmp_path), "init"]) == 0
    assert policy.read_text() == "mine: yes\n"
    assert (tmp_path / ".gitignore").read_bytes() == b"*.log\n.chimera/\n"
    assert "exists  policies/workflow-timeouts.yaml" in capsys.readouterr().out


def test_a_document_that_stands_in_another_file_is_not_written_twice(tmp_path, capsys):
    own = tmp_path / "specs" / "all.yaml"
    own.parent.mkdir()
    own.write_text(
        "apiVersion: chimera/v1\nkind: Environment\nmetadata: {name: local}\n"
        "spec: {protected: false}\n"
    )
    assert run(["-C", str(tmp_path), "init"]) == 0
    assert not (tmp_path / "specs" / "environments" / "local.yaml").exists()
    assert "exists  specs/environments/local.yaml (as specs/all.yaml)" in capsys.readouterr().out
    assert run(["-C", str(tmp_path), "check"]) == 0


def test_dry_run_writes_nothing(tmp_path, capsys):
    assert run(["-C", str(tmp_path), "init", "--dry-run"]) == 0
    assert list(tmp_path.iterdir()) == []
    told = capsys.readouterr().out
    assert "would write  specs/repository.yaml" in told
    assert "would add  .chimera/ to .gitignore" in told


@pytest.mark.parametrize(
    ("folder", "name"), [("Payments & Co.", "payments-co"), ("2026", "2026"), ("…", "contract")]
)
def test_the_repository_is_named_after_its_folder(tmp_path, folder, name):
    root = tmp_path / folder
    root.mkdir()
    assert run(["-C", str(root), "init"]) == 0
    documents, _ = load_documents(open_work_tree(root), DEFAULT_ROOTS)
    names = [d.value["metadata"]["name"] for d in documents if d.value["kind"] == "Repository"]
    assert names == [name]
    assert run(["-C", str(root), "check"]) == 0


@pytest.mark.parametrize("name", ["Upper", "a: b", "", "a/b", "-x", "a\nb"])
def test_a_name_that_no_document_can_have_is_refused(tmp_path, name, capsys):
    assert run(["-C", str(tmp_path), "init", "--name", name]) == 4
    assert list(tmp_path.iterdir()) == []
    assert "is not a name" in capsys.readouterr().err


def test_a_folder_below_the_top_of_a_git_repository_is_refused(tmp_path, capsys):
    without_commits(tmp_path)
    below = tmp_path / "below"
    below.mkdir()
    assert run(["-C", str(below), "init"]) == 4
    assert f"chimera -C {tmp_path} init" in capsys.readouterr().err
    assert list(below.iterdir()) == []


def test_nothing_is_written_through_a_folder_that_leads_out_of_the_tree(tmp_path, capsys):
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (root / "specs").symlink_to(elsewhere)
    assert run(["-C", str(root), "init"]) == 4
    assert list(elsewhere.iterdir()) == []
    assert "leads out of" in capsys.readouterr().err


def test_a_file_in_the_way_of_a_folder_is_a_clear_error(tmp_path, capsys):
    (tmp_path / "specs").write_text("")
    assert run(["-C", str(tmp_path), "init"]) == 1
    assert "cannot write specs/repository.yaml" in capsys.readouterr().err


def test_every_document_names_a_schema_that_the_export_writes(tmp_path):
    run(["-C", str(tmp_path), "init"])
    run(["-C", str(tmp_path), "schema", "export", "--to", str(tmp_path / ".chimera/schemas")])
    documents, _ = load_documents(open_work_tree(tmp_path), DEFAULT_ROOTS)
    assert documents
    for document in documents:
        file = tmp_path / document.path
        first = file.read_text().splitlines()[0]
        schema = first.removeprefix("# yaml-language-server: $schema=")
        assert (file.parent / schema).resolve().name == f"{document.value['kind']}.json"
        assert (file.parent / schema).resolve().is_file(), first


def test_the_github_workflow_checks_tests_and_proves(tmp_path):
    run(["-C", str(tmp_path), "init"])
    assert not (tmp_path / ".github").exists()
    run(["-C", str(tmp_path), "init", "--github"])
    workflow = yaml.safe_load((tmp_path / ".github/workflows/chimera.yml").read_text())
    steps = [step.get("run", "") for step in workflow["jobs"]["contract"]["steps"]]
    commands = [step.partition(" -o ")[0] for step in steps if step.startswith("chimera")]
    assert commands == [
        'chimera check ${BASE:+--base "$BASE"}',
        "chimera policy test",
        "chimera prove",
    ]


def test_what_init_makes_is_formatted(tmp_path):
    run(["-C", str(tmp_path), "init"])
    assert run(["-C", str(tmp_path), "fmt", "--check"]) == 0


def test_a_package_that_is_installed_carries_every_template():
    folder = ENGINE / "chimera" / "builtin" / "scaffold" / "templates"
    # Globs of package data pass over names that begin with a dot.
    assert [path for path in folder.rglob("*") if path.name.startswith(".")] == []


@pytest.mark.skipif(shutil.which("git") is None, reason="git is what is looked at")
def test_git_leaves_the_state_out(tmp_path):
    without_commits(tmp_path)
    run(["-C", str(tmp_path), "init"])
    ignored = subprocess.run(
        ["git", "check-ignore", "-q", ".chimera/state.db"], cwd=tmp_path, check=False
    )
    assert ignored.returncode == 0
