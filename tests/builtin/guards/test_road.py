"""Guards on the road, as users meet them: applies, runs, resumes, plans, and the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.guards.switches import read_switches, release
from chimera.cli.main import run as command_line
from chimera.model import GateError, Outcome, UsageError
from chimera.plugin import load_plugins
from chimera.render.runs import run_json, run_text
from chimera.runtime import RunStatus, list_runs
from chimera.workspace import Workspace
from chimera.workspace.continuing import Continued
from tests.workspace.conftest import Repository

WORKFLOW = """\
apiVersion: chimera/v1
kind: Workflow
metadata: {{name: {name}}}
spec:
  trigger: {trigger}
  stages:
    - {{id: one, operation: command, inputs: {{argv: [sh, -c, "{one}"]}}}}
    - id: two
      operation: command
      dependencies: [one]
      inputs: {{argv: [sh, -c, "echo {name} >>two"]}}
  outputs: {{said: "${{two.stdout}}"}}
"""
# A file that is no switch is one that stops everything: the quickest way to engage from a shell.
ENGAGE = (
    "[ -e once ] || { touch once; mkdir -p .chimera/guards; touch .chimera/guards/stop.1.json; }"
)

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CHIMERA_TRUST_REF", raising=False)
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHIMERA_ACTOR", "ann")
    team = tmp_path / "team"
    team.mkdir()
    Repository(team).git("init", "-q", "-b", "main")
    environment = "kind: Environment\nmetadata: {name: local}\nspec: {protected: false}"
    write(team, "specs/local.yaml", environment)
    return team


@pytest.fixture
def say(root: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    def said(*arguments: str) -> tuple[int, str, str]:
        code = command_line(["-C", str(root), *arguments])
        out = capsys.readouterr()
        return code, out.out, out.err

    return said


def write(root: Path, path: str, text: str) -> None:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    head = "" if text.startswith("apiVersion") else "apiVersion: chimera/v1\n"
    target.write_text(f"{head}{text}\n", "utf-8")


def workflow(root: Path, name: str, *, one: str = "true", trigger: str = "apply") -> None:
    text = WORKFLOW.format(name=name, one=one, trigger=trigger)
    write(root, f"specs/{name}.yaml", text)


def guard(root: Path, spec: str, name: str = "g") -> None:
    write(
        root, f"specs/guard-{name}.yaml", f"kind: Guard\nmetadata: {{name: {name}}}\nspec: {spec}"
    )


def resume(root: Path, uid: str) -> Continued:
    found = Workspace.open(root).runs.resume(uid).value.continued
    assert found is not None
    return found


def release_all(root: Path) -> None:
    release(root, read_switches(root))


def test_a_running_apply_stops_between_steps_and_before_the_next_change(root: Path) -> None:
    workflow(root, "a", one=ENGAGE)
    workflow(root, "b")
    workspace = Workspace.open(root)
    report = workspace.apply()
    assert report.outcome is Outcome.FAILED
    told = {str(i.change.target): (i.status, i.message) for i in report.value.items}
    assert told["Workflow/a"][0] == "failed"
    assert "interrupted: Guard/stop stops it: " in told["Workflow/a"][1]
    assert told["Workflow/b"][0] == "failed"
    assert told["Workflow/b"][1].startswith("Guard/stop stops it: ")
    assert not (root / "two").exists()
    (run,) = list_runs(root)
    details = Workspace.open(root).runs.details(run.uid)
    assert "stopped      " in run_text(details)
    assert " by Guard/stop: its file cannot be read" in run_text(details)
    assert run_json(details)["history"][0]["what"] == "stopped"
    assert Workspace.open(root).apply().outcome is Outcome.FAILED, "later ones are refused"
    release_all(root)
    assert Workspace.open(root).apply().outcome is Outcome.PASSED
    assert sorted((root / "two").read_text().split()) == ["a", "b"]
    assert len([r for r in list_runs(root) if r.target == "Workflow/a"]) == 1, "the same run"


def test_a_resume_passes_guards_again(root: Path) -> None:
    workflow(root, "a", one=ENGAGE, trigger="human")
    assert Workspace.open(root).apply().outcome is Outcome.PASSED
    result = Workspace.open(root).run("Workflow/a", {})
    assert result.outcome is Outcome.FAILED
    assert result.value.run is not None
    assert result.value.run.status is RunStatus.INTERRUPTED
    uid = result.value.run.uid
    refused = resume(root, uid)
    assert refused.result is None
    assert "may not go on: Guard/stop stops Workflow/a" in refused.message
    release_all(root)
    guard(root, "{engaged: true, reason: not now, scope: {addresses: [Workflow/a]}}")
    refused = resume(root, uid)
    assert "Guard/g stops Workflow/a: not now" in refused.message
    guard(root, "{engaged: true, reason: not now, scope: {addresses: [Workflow/b]}}")
    workflow(root, "b")
    ended = resume(root, uid)
    assert ended.result is not None
    assert ended.result.status is RunStatus.SUCCEEDED


def test_an_invariant_of_a_document_stops_a_run_of_a_workflow(root: Path) -> None:
    workflow(root, "a", one="echo 12", trigger="human")
    guard(
        root,
        "{reason: r, invariants: [{id: few, message: few are left, when: [after],"
        " expression: 'int(outputs.stdout) < 10', steps: {operations: [command], stages: [one]}}]}",
    )
    assert Workspace.open(root).apply().outcome is Outcome.PASSED
    result = Workspace.open(root).run("Workflow/a", {})
    assert result.outcome is Outcome.FAILED
    assert result.value.item is not None
    assert "Guard/g stops it after the step one: few are left (invariant few)" in (
        result.value.item.message
    )
    assert not (root / "two").exists()
    uid = result.value.run.uid if result.value.run else ""
    again = resume(root, uid)
    assert again.outcome is Outcome.FAILED
    assert "few are left" in (again.message or (again.result.message if again.result else ""))


def test_a_document_that_cannot_be_read_stops_what_was_fine(root: Path) -> None:
    workflow(root, "a")
    guard(root, "{engaged: maybe, reason: r}")
    assert Workspace.open(root).apply().outcome is Outcome.FAILED


@pytest.mark.parametrize("name", ["guards", "records", "chimera.builtin.guards.plugin"])
def test_no_document_can_disable_records_or_guards(root: Path, name: str) -> None:
    write(
        root,
        "specs/repository.yaml",
        f"kind: Repository\nmetadata: {{name: r}}\nspec: {{plugins: {{disable: [{name}]}}}}",
    )
    workspace = Workspace.open(root)
    assert [d.rule for d in workspace.check().diagnostics] == ["repository-plugin-not-optional"]
    full = name if "." in name else f"chimera.builtin.{name}.plugin"
    assert workspace.plugins.has_plugin(full), "it is there all the same"
    assert workspace.apply().outcome is Outcome.FAILED
    with pytest.raises(UsageError, match="is essential and cannot be disabled"):
        load_plugins(disable=[name])


def test_nothing_is_executed_where_the_plugin_of_guards_is_gone_or_broken(root: Path) -> None:
    from chimera.plugin import hookimpl
    from chimera.workspace.guarding import guarding

    class Silencer:
        @hookimpl(wrapper=True)
        def chimera_guard_runs(self) -> Any:
            yield
            return ()

    workspace = Workspace.open(root)
    workspace.plugins.register(Silencer(), "silencer")
    with pytest.raises(GateError, match="wraps chimera_guard_runs"), guarding(workspace):
        pass
    workspace = Workspace.open(root)
    workspace.plugins.unregister(name="chimera.builtin.guards.plugin")
    with pytest.raises(GateError, match="is missing"), guarding(workspace):
        pass
    assert workspace.apply().outcome is Outcome.FAILED


def test_engaging_tells_what_to_write_and_every_plan_and_status_shows_it(
    root: Path, say: Say
) -> None:
    code, out, _ = say("guard", "engage", "pay", "--reason", "wrong charges", "--env", "local")
    assert code == 0
    assert "engaged: Guard/pay stops everything in Environment/local on this machine" in out
    assert "add specs/guards/pay.yaml:" in out
    document = out.partition("pay.yaml:\n")[2].partition("to release")[0]
    for command in (("plan",), ("status",), ("guard", "list")):
        assert "wrong charges (engaged by ann, since " in say(*command)[1]
        told = json.loads(say(*command, "-o", "json")[1])["guards"][0]
        assert (told["guard"], told["by"], told["recorded"]) == ("Guard/pay", "ann", False)
    assert "no document records that Guard/pay is engaged" in say("guard", "list")[1]
    assert "· engaged here: Guard/pay stops everything" in say("plan", "-o", "markdown")[1]
    assert "wrong charges" not in say("plan", "--env", "local")[2]
    write(root, "specs/guards/pay.yaml", "\n".join(x[4:] for x in document.splitlines()))
    assert Workspace.open(root).check().outcome is Outcome.PASSED, "what it says can be written"
    assert "no document records" not in say("guard", "list")[1]
    code, out, _ = say("guard", "release", "pay", "--yes")
    assert code == 0
    assert "it was engaged by ann at " in out
    assert "still engaged by documents" in out.replace("\x1b", "")
    code, _, err = say("guard", "release", "pay", "--yes")
    assert (code, "by a document in the work tree" in err) == (4, True)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--env", "locl"), "there is no Environment/locl (did you mean Environment/local?)"),
        (("--kind", "Workflw"), "there is no kind Workflw (did you mean Workflow?)"),
        (("--layer", "ops/7"), "there is no layer ops/7"),
        (("--address", "Workflow/none"), "there is no Workflow/none"),
    ],
)
def test_engaging_tells_that_a_scope_names_what_is_not_there(
    root: Path, say: Say, flags: tuple[str, str], told: str
) -> None:
    code, out, _ = say("guard", "engage", "pay", "--reason", "x", *flags)
    assert (code, len(read_switches(root))) == (0, 1), "it may be there in what runs"
    assert told in out
    assert "it stops nothing by that" in out


@pytest.mark.parametrize("flags", [("--env", "local"), ("--kind", "Workflow")])
def test_engaging_is_not_doubted_where_it_is_there(
    root: Path, say: Say, flags: tuple[str, str]
) -> None:
    assert "warning" not in say("guard", "engage", "pay", "--reason", "x", *flags)[1]


def test_a_switch_takes_the_scope_of_its_document(root: Path, say: Say) -> None:
    guard(root, "{reason: r, scope: {kinds: [Workflow]}}", "flows")
    out = say("guard", "engage", "flows", "--reason", "x")[1]
    assert "stops the kinds Workflow" in out
    assert "write `engaged: true` under spec in specs/guard-flows.yaml" in out
    (switch,) = read_switches(root)
    assert switch.scope.kinds == ("Workflow",)


@pytest.mark.parametrize("broken", ["kind: Guard\nmetadata: {name: pay}\nspec: [", "a: [", "\x00"])
def test_engaging_works_where_documents_and_state_are_broken(
    root: Path, say: Say, broken: str
) -> None:
    write(root, "specs/broken.yaml", broken)
    (root / ".chimera").mkdir()
    (root / ".chimera" / "state.db").write_bytes(b"no database")
    code, out, _ = say("guard", "engage", "pay", "--reason", "x")
    assert (code, len(read_switches(root))) == (0, 1)
    assert "stops everything on this machine" in out
    assert say("guard", "list")[0] == 0


def test_releasing_needs_a_human_who_says_yes(
    root: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    say("guard", "engage", "pay", "--reason", "x")
    code, _, err = say("guard", "release", "pay")
    assert (code, "give --yes to answer yes" in err) == (4, True)
    monkeypatch.setenv("CI", "true")
    code, _, err = say("guard", "release", "pay", "--yes")
    assert (code, "releasing a guard needs a human" in err) == (4, True)
    assert say("guard", "engage", "pay", "--reason", "automation may stop")[0] == 0
    monkeypatch.delenv("CI")
    assert len(read_switches(root)) == 2
    assert say("guard", "release", "pay", "--yes")[0] == 0
    assert read_switches(root) == ()
    code, _, err = say("guard", "release", "pay", "--yes")
    assert (code, "no switch of Guard/pay is engaged on this machine" in err) == (4, True)


def test_what_the_trust_ref_has_engaged_cannot_be_released_here(
    root: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = Repository(root)
    guard(root, "{engaged: true, reason: merged}", "pay")
    git.commit()
    monkeypatch.setenv("CHIMERA_TRUST_REF", "main")
    git.git("checkout", "-q", "-b", "branch")
    guard(root, "{engaged: false, reason: merged}", "pay")
    say("guard", "engage", "pay", "--reason", "x")
    code, _, err = say("guard", "release", "pay", "--yes")
    assert code == 1
    assert "Guard/pay is engaged by main, and cannot be released here" in err
    assert "set engaged to false, and merge that into main" in err
    assert len(read_switches(root)) == 1
    told = json.loads(say("plan", "-o", "json")[1])["guards"]
    assert [(one["kind"], one["where"]) for one in told] == [
        ("machine", "this machine"),
        ("switch", "main"),
    ]


def test_nothing_is_released_where_the_trust_ref_cannot_be_read(
    root: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    Repository(root).commit()
    say("guard", "engage", "pay", "--reason", "x")
    monkeypatch.setenv("CHIMERA_TRUST_REF", "nowhere")
    code, _, err = say("guard", "release", "pay", "--yes")
    assert (code != 0, "CHIMERA_TRUST_REF names 'nowhere'" in err) == (True, True)
    assert len(read_switches(root)) == 1
    assert "engaged here" in say("status")[1]
    assert "engaged here" in say("guard", "list")[1]


def test_a_missing_reason_and_a_wrong_scope_are_told(root: Path, say: Say) -> None:
    code, _, err = say("guard", "engage", "pay")
    assert (code, "--reason" in err) == (4, True)
    code, _, err = say("guard", "engage", "pay", "--reason", "x", "--layer", "nolayer")
    assert (code, "nothing that a scope can name" in err) == (4, True)
    code, _, err = say("guard", "engage", "Pay ments", "--reason", "x")
    assert (code, "is no name of a guard" in err) == (4, True)
    assert read_switches(root) == ()


def test_maintenance_shows_before_it_begins_and_refuses_while_it_lasts(
    root: Path, say: Say
) -> None:
    guard(
        root,
        "{reason: r, maintenance: {from: '2999-01-01T00:00:00Z', until: '2999-01-02T00:00:00Z'}}",
    )
    assert "maintenance to come: Guard/g stops everything: r (since 2999-" in say("status")[1]
    assert Workspace.open(root).apply().outcome is Outcome.PASSED
    guard(root, "{reason: r, maintenance: {until: '2999-01-02T00:00:00Z', reason: disks}}")
    assert "maintenance: Guard/g stops everything: disks (until 2999-" in say("plan")[1]
    code, out, _ = say("apply")
    assert code == 1
    assert "error[guard-maintenance]" in out
    assert "it ends by itself at 2999-01-02T00:00:00Z" in out
