"""Bad input gets a clear error and loses nothing: what users do, and what befalls their machines.

Everything goes through the command line in a process of its own, as a user's would.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chimera.state import read_state

PROOF = """\
apiVersion: chimera/v1
kind: Proof
metadata: {name: slow}
spec:
  claim: it takes its time
  phase: apply
  covers: {kinds: [Workflow]}
  inputs: [check.py]
  steps:
    - {run: command, argv: [python, check.py], expect: {stdout: {contains: [seen]}}}
  controls:
    - {mutate: replace, path: check.py, old: seen, new: missed}
"""


def workflow(*stages: str) -> str:
    lines = "".join(f"    - {{{stage}, timeout: 1m}}\n" for stage in stages)
    return (
        "apiVersion: chimera/v1\nkind: Workflow\nmetadata: {name: work}\n"
        f"spec:\n  trigger: apply\n  stages:\n{lines}"
    )


def shell(id: str, script: str) -> str:
    argv = json.dumps(["/bin/sh", "-c", script])
    return f"id: {id}, operation: command, inputs: {{argv: {argv}}}"


def effect(id: str) -> str:
    """Return a stage that appends its id and idempotency key to `effects`."""
    return shell(id, f"echo {id} $CHIMERA_KEY >> effects; sleep 0.02; echo {id}")


def blocked(id: str) -> str:
    """Return a stage that says that it began, and ends when there is a file `go`."""
    return shell(id, f"echo $$ > began; until [ -e go ]; do sleep 0.02; done; echo {id} >> effects")


def effects(repository: Any) -> list[list[str]]:
    file = repository.root / "effects"
    return [line.split() for line in file.read_text().splitlines()] if file.exists() else []


def command_line(pid: int) -> bytes:
    """Return the command line of a process, nothing where it has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def until(is_so: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something is so; fail where it never is."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def descendants(pid: int) -> set[int]:
    """Return the processes that a process started, and those that they did."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(stat[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def are_gone(pids: set[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def applied(repository: Any) -> dict[str, str]:
    with read_state(repository.root) as state:
        return {target: entry.digest for target, entry in state.applied("local").items()}


# What is in the tree


def test_half_a_document_is_a_fault_and_changes_nothing(repository: Any) -> None:
    assert repository.chimera("apply").code == 0
    before = applied(repository)
    whole = workflow(effect("a"))
    for end in (40, 75, len(whole) - 30):
        repository.write("specs/work.yaml", whole[:end])
        refused = repository.chimera("apply")
        assert refused.code == 1
        assert re.search(r"^specs/work\.yaml:\d+:\d+: error\[", refused.out, re.M), refused.out
        assert applied(repository) == before
        assert effects(repository) == []
    repository.write("specs/work.yaml", whole)
    assert repository.chimera("apply").code == 0
    assert [line[0] for line in effects(repository)] == ["a"]


def test_a_repository_without_commits_is_applied_where_nothing_is_protected(
    repository: Any,
) -> None:
    repository.write("specs/work.yaml", workflow(effect("a")))
    assert repository.chimera("check").code == 0
    assert repository.chimera("apply").code == 0
    for command in (("plan", "--base", "HEAD", "--work-tree"), ("apply", "--env", "production")):
        answer = repository.chimera(*command)
        assert answer.code == 4
        assert "the repository has no commits yet" in answer.err
        assert "make a first commit" in answer.err


@pytest.fixture
def without_git(repository: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide Git, and all else that is on PATH."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.mark.usefixtures("without_git")
def test_without_git_everything_works_that_needs_none(repository: Any) -> None:
    repository.write("specs/work.yaml", workflow(effect("a")))
    assert repository.chimera("check").code == 0
    assert repository.chimera("apply").code == 0
    assert repository.chimera("apply").out.endswith("nothing to do\n")
    for command in (("plan", "--base", "HEAD", "--work-tree"), ("apply", "--env", "production")):
        answer = repository.chimera(*command)
        assert (answer.code, answer.out) == (1, "")
        assert "git is not installed" in answer.err
        assert "install Git and put it on PATH" in answer.err


@pytest.mark.usefixtures("without_git")
def test_without_git_what_needs_it_says_so(repository: Any) -> None:
    governed = workflow(effect("a")).replace("  trigger", "  paths: [src/**]\n  trigger")
    repository.write("specs/work.yaml", governed)
    answer = repository.chimera("apply")
    assert answer.code == 1
    assert "git is not installed" in answer.err
    assert applied(repository) == {}


def test_a_link_out_of_the_tree_is_a_fault_and_is_not_read(repository: Any, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text("token: hunter2\n")
    (repository.root / "specs/file.yaml").symlink_to(outside / "secret.yaml")
    (repository.root / "specs/folder").symlink_to(outside)
    answer = repository.chimera("apply")
    assert answer.code == 1
    for link in ("specs/file.yaml", "specs/folder"):
        assert f"{link}:1:1: error[document-symlink-leaves-tree]" in answer.out
    assert "hunter2" not in answer.out + answer.err


def test_a_huge_file_is_refused_before_it_is_parsed(repository: Any) -> None:
    line = "    a-long-enough-key-{}: a value that nobody will ever read in its entirety\n"
    with (repository.root / "specs/huge.yaml").open("w") as file:
        file.write("apiVersion: chimera/v1\nkind: Role\nmetadata:\n  name: huge\n  annotations:\n")
        file.writelines(line.format(number) for number in range(140_000))
    assert (repository.root / "specs/huge.yaml").stat().st_size > 10_000_000
    answer = repository.chimera("check")
    assert answer.code == 1
    assert "specs/huge.yaml:1:1: error[yaml-too-large]: the file is larger than" in answer.out


def test_an_unknown_environment_is_a_usage_error_that_names_the_known_ones(
    repository: Any,
) -> None:
    for command in ("check", "plan", "apply", "prove"):
        answer = repository.chimera(command, "--env", "stagign")
        assert (answer.code, answer.out) == (4, "")
        assert "there is no environment 'stagign'" in answer.err
        assert "there is: local, production" in answer.err


# The saved plan


def without_obligations(plan: dict[str, Any]) -> None:
    for item in plan["items"]:
        item["obligations"] = []


def for_another_environment(plan: dict[str, Any]) -> None:
    plan["environment"] = "production"


def with_another_digest(plan: dict[str, Any]) -> None:
    plan["items"][-1]["after"] = "sha256:" + "0" * 64


def without_items(plan: dict[str, Any]) -> None:
    plan["items"] = []


@pytest.mark.parametrize(
    "edit", [without_obligations, for_another_environment, with_another_digest, without_items]
)
def test_a_saved_plan_that_was_edited_is_refused(
    repository: Any, edit: Callable[[dict[str, Any]], None]
) -> None:
    repository.write("specs/work.yaml", workflow(effect("a")))
    repository.write("specs/proof.yaml", PROOF)
    repository.write("check.py", "print('seen')\n")
    assert repository.chimera("plan", "--out", "plan.json").code == 0
    file = repository.root / "plan.json"
    plan = json.loads(file.read_text())
    edit(plan)
    file.write_text(json.dumps(plan))
    for command in ("apply", "show"):
        refused = repository.chimera(command, "plan.json")
        assert (refused.code, refused.out) == (4, "")
        assert "the saved plan was edited" in refused.err
    assert effects(repository) == []


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"format": 1}', "[" * 100_000, "\xff", '{"format": "x/9"}']
)
def test_what_is_no_saved_plan_is_a_usage_error(repository: Any, content: str) -> None:
    (repository.root / "plan.json").write_bytes(content.encode("latin-1"))
    refused = repository.chimera("apply", "plan.json")
    assert (refused.code, refused.out) == (4, "")
    assert "chimera plan --out FILE" in refused.err or "make the plan again" in refused.err
    assert "bug" not in refused.err


# The state


def scribble(database: Path) -> None:
    database.write_bytes(b"this was a database once" * 200)


def truncate(database: Path) -> None:
    database.write_bytes(database.read_bytes()[:-5000])


@pytest.mark.parametrize("harm", [scribble, truncate])
def test_a_damaged_state_is_kept_aside_until_its_loss_is_acknowledged(
    repository: Any, harm: Callable[[Path], None]
) -> None:
    repository.write("specs/work.yaml", workflow(effect("a")))
    assert repository.chimera("apply").code == 0
    database = repository.root / ".chimera/state.db"
    whole = database.read_bytes()
    harm(database)
    damaged = database.read_bytes()
    for _ in range(2):
        refused = repository.chimera("apply")
        assert (refused.code, refused.out) == (1, "")
        assert "the state was damaged and is kept in" in refused.err
        assert "--acknowledge-loss" in refused.err
    kept = repository.root / ".chimera/state.db.corrupt-1"
    assert kept.read_bytes() == damaged
    assert len(effects(repository)) == 1, "nothing is executed from a state that nobody knows"

    database.write_bytes(whole)
    assert repository.chimera("apply").out.endswith("nothing to do\n"), "a copy puts it right"

    harm(database)
    assert repository.chimera("status").code == 1
    assert repository.chimera("apply").code == 1
    going_on = repository.chimera("apply", "--acknowledge-loss")
    assert going_on.code == 0, going_on.err
    assert "going on without" in going_on.err
    assert kept.read_bytes() == damaged
    assert len(effects(repository)) == 2


def test_a_state_folder_that_is_a_file_is_told_and_kept(repository: Any) -> None:
    (repository.root / ".chimera").write_text("mine\n")
    repository.write("specs/work.yaml", workflow(effect("a")))
    refused = repository.chimera("apply")
    assert refused.code == 1
    assert ".chimera cannot be written" in refused.err
    assert (repository.root / ".chimera").read_text() == "mine\n"
    assert effects(repository) == []
    for command in ("check", "plan", "status"):
        assert repository.chimera(command).code == 0, command


@pytest.fixture
def powerless() -> list[str]:
    """What to put before a command for it to be held to permissions, as root is not."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root is held to no permissions, and setpriv is not here to change that")
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]


def test_a_folder_that_may_not_be_written_is_looked_at_and_not_applied(
    repository: Any, powerless: list[str]
) -> None:
    repository.write("specs/work.yaml", workflow(effect("a")))
    folder = repository.root

    def chimera(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [*powerless, sys.executable, "-m", "chimera", *arguments],
            cwd=folder,
            env=repository.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    folder.chmod(0o555)
    try:
        assert chimera("check")[0] == 0
        assert chimera("plan")[0] == 0
        code, said = chimera("apply")
        assert code == 1
        assert ".chimera cannot be written: Permission denied" in said
        code, said = chimera("plan", "--out", "plan.json")
        assert code == 4
        assert "cannot write plan.json: Permission denied" in said
    finally:
        folder.chmod(0o755)
    assert chimera("apply")[0] == 0
    (folder / "specs").chmod(0)
    try:
        code, said = chimera("apply")
        assert code == 1, "a folder that cannot be read could hold a policy"
        assert "cannot be read: Permission denied" in said
    finally:
        (folder / "specs").chmod(0o755)
    (folder / ".chimera").chmod(0o555)
    try:
        assert chimera("status")[0] == 0
        repository.write("specs/work.yaml", workflow(effect("b")))
        code, said = chimera("apply")
        assert code == 1, said
        assert "make its folder writable" in said or "readable and writable" in said
    finally:
        (folder / ".chimera").chmod(0o755)
    assert [line[0] for line in effects(repository)] == ["a"]


# A full disk


@pytest.fixture
def small_disk(repository: Any) -> Iterator[Path]:
    """Put the state on a disk of 2 MiB."""
    folder = repository.root / ".chimera"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if not mounted or mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_loses_nothing_committed(repository: Any, small_disk: Path) -> None:
    repository.write("specs/work.yaml", workflow(effect("a")))
    assert repository.chimera("apply").code == 0
    before = applied(repository)

    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    stages = [effect(f"s{number}") for number in range(30)]
    repository.write("specs/work.yaml", workflow(*stages))
    refused = repository.chimera("apply")
    assert refused.code == 1, refused.out + refused.err
    assert "make room on the disk" in refused.err or "leave some room" in refused.err, refused.err
    assert "bug" not in refused.err
    assert applied(repository) == before

    filler.unlink()
    assert repository.chimera("apply").code == 0
    assert_every_stage_done(repository, ["a", *(f"s{number}" for number in range(30))])


def test_a_disk_that_fills_up_in_the_middle_keeps_what_was_finished(repository: Any) -> None:
    """A bound on the size of files fails the same writes, at a moment in the middle of a run."""
    stages = [
        shell(f"s{n}", f"echo s{n} $CHIMERA_KEY >> effects; head -c 20000 /dev/zero")
        for n in range(30)
    ]
    repository.write("specs/work.yaml", workflow(*stages))
    limited = subprocess.run(
        [sys.executable, "-m", "chimera", "apply"],
        cwd=repository.root,
        env=repository.environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert limited.returncode == 1, limited.stdout + limited.stderr
    assert "make room on the disk" in limited.stdout + limited.stderr
    done = len(effects(repository))
    assert 0 < done < 30, "it went some way"
    assert repository.chimera("apply").code == 0
    assert_every_stage_done(repository, [f"s{n}" for n in range(30)])
    assert len(effects(repository)) <= 31, "at most the stage in flight is done again"


def assert_every_stage_done(repository: Any, ids: list[str]) -> None:
    """Assert that each stage had its effect, in order, again only with the same key."""
    lines = effects(repository)
    assert list(dict.fromkeys(line[0] for line in lines)) == ids
    keys = {id: {key for other, key in lines if other == id} for id in ids}
    assert all(len(found) == 1 for found in keys.values()), keys


@pytest.mark.parametrize("command", ["prove", "apply"])
def test_a_proof_without_room_for_its_copies_says_so(
    repository: Any, small_disk: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    repository.write("specs/work.yaml", workflow(effect("a")))
    repository.write("specs/proof.yaml", PROOF)
    repository.write("check.py", f"print('seen')\n{'#' * 1_400_000}\n")
    with monkeypatch.context() as patch:
        patch.setenv("TMPDIR", str(small_disk))
        refused = repository.chimera(command)
    assert refused.code == 1
    assert "No space left on device" in refused.err
    assert "make room" in refused.err
    assert "bug" not in refused.err
    assert not list(small_disk.glob("chimera-*")), "what could not be used is cleared away"
    assert applied(repository) == {}
    assert repository.chimera("apply").code == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_output_that_cannot_be_written_is_told(repository: Any) -> None:
    for arguments, code in ((["check"], 1), (["--help"], 1), (["plan", "--out", "/dev/full"], 4)):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "chimera", *arguments],
                cwd=repository.root,
                env=repository.environment(),
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert done.returncode == code, done.stderr
        assert "No space left on device" in done.stderr
        assert "bug" not in done.stderr


def test_closed_output_is_no_failure(repository: Any) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m chimera check >&- 2>&-"],
        cwd=repository.root,
        env=repository.environment(),
        check=False,
    )
    assert done.returncode == 0


# Two at once, and interruptions


def test_a_second_apply_says_who_holds_the_lock(repository: Any) -> None:
    repository.write("specs/work.yaml", workflow(blocked("a")))
    first = repository.start("apply")
    try:
        until((repository.root / "began").exists)
        second = repository.chimera("apply")
        assert (second.code, second.out) == (1, "")
        assert f"(pid {first.pid}, apply --env local, since " in second.err
        assert "--wait" in second.err
        assert f"pid {first.pid}" in repository.chimera("status").out
        for reading in (("plan",), ("runs", "list"), ("get",)):
            assert repository.chimera(*reading).code == 0
    finally:
        (repository.root / "go").touch()
        out, err = first.communicate(timeout=60)
    assert first.returncode == 0, out + err


def test_a_second_apply_that_waits_has_nothing_left_to_do(repository: Any) -> None:
    repository.write("specs/work.yaml", workflow(blocked("a")))
    first = repository.start("apply")
    until((repository.root / "began").exists)
    second = repository.start("apply", "--wait", "60")
    time.sleep(0.5)
    assert second.poll() is None, "it waits"
    (repository.root / "go").touch()
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0, out + err
    out, err = second.communicate(timeout=60)
    assert (second.returncode, out) == (0, "nothing to do\n"), err
    assert effects(repository) == [["a"]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_workflow_that_is_interrupted_leaves_no_process_and_is_finished_by_the_next_apply(
    repository: Any, number: signal.Signals
) -> None:
    repository.write("specs/work.yaml", workflow(effect("a"), blocked("b"), effect("c")))
    process = repository.start("apply")
    until((repository.root / "began").exists)
    children = descendants(process.pid)
    assert int((repository.root / "began").read_text()) in children
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    until(lambda: are_gone(children), 5)
    (run,) = repository.chimera("runs", "list", "-o", "json").json["runs"]
    assert run["status"] == "interrupted"

    (repository.root / "go").touch()
    again = repository.chimera("apply")
    assert again.code == 0, again.out + again.err
    assert [line[0] for line in effects(repository)] == ["a", "b", "c"]
    assert len(repository.chimera("runs", "list", "-o", "json").json["runs"]) == 1


@pytest.mark.parametrize("command", ["prove", "apply"])
def test_ctrl_c_in_the_middle_of_a_proof_leaves_no_process_and_nothing_half_done(
    repository: Any, command: str, tmp_path: Path
) -> None:
    """A terminal's Ctrl-C reaches the whole group of processes at once."""
    repository.write("specs/work.yaml", workflow(effect("a")))
    repository.write("specs/proof.yaml", PROOF)
    repository.write("check.py", "import time\ntime.sleep(60)\nprint('seen')\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "chimera", command],
        cwd=repository.root,
        env=repository.environment() | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )

    def is_proving() -> bool:
        return sum(b"check.py" in command_line(pid) for pid in descendants(process.pid)) >= 2

    until(is_proving)
    children = descendants(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "interrupted" in err
    assert "Traceback" not in err
    until(lambda: are_gone(children), 5)
    assert not [path for path in tmp_path.iterdir() if "chimera" in path.name]
    assert applied(repository) == {}

    repository.write("check.py", "print('seen')\n")
    again = repository.chimera("apply")
    assert again.code == 0, again.out + again.err
    assert [line[0] for line in effects(repository)] == ["a"]


def test_an_apply_that_is_killed_again_and_again_is_finished_without_loss(repository: Any) -> None:
    ids = [f"s{number}" for number in range(10)]
    repository.write("specs/work.yaml", workflow(*map(effect, ids)))
    moments = random.Random(20261121)
    kills = 0
    for _ in range(20):
        begun = len(effects(repository))
        process = repository.start("apply")
        wanted = begun + moments.randrange(1, 4)
        while process.poll() is None and len(effects(repository)) < wanted:
            time.sleep(0.002)
        time.sleep(moments.random() * 0.06)
        process.kill()
        out, err = process.communicate(timeout=60)
        if process.returncode == 0:
            break
        kills += 1
        assert process.returncode == -signal.SIGKILL, out + err
    assert kills > 0, "it was never killed"
    assert repository.chimera("apply").code == 0
    assert_every_stage_done(repository, ids)
    assert len(effects(repository)) <= len(ids) + kills
    (run,) = repository.chimera("runs", "list", "-o", "json").json["runs"]
    assert run["status"] == "succeeded"
    assert repository.chimera("apply").out.endswith("nothing to do\n")


@pytest.mark.parametrize("command", ["check", "plan", "apply", "get", "explain", "--help"])
def test_a_reader_that_goes_away_is_no_failure(repository: Any, command: str) -> None:
    for number in range(300):
        repository.write(f"specs/{number}.yaml", f"kind: Nothing\nmetadata: {{name: n{number}}}\n")
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m chimera {command} | head -1; exit ${{PIPESTATUS[0]}}"],
        cwd=repository.root,
        env=repository.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
    assert done.returncode in (0, 1)
