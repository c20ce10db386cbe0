"""Steps that try to reach what is not theirs: each is refused, or fails the proof, and says why.

Every attack is made twice: where the kernel isolates a step, and where it refuses to, which is not
played but asked of it: a user namespace in which no other namespace may be made.
"""

from __future__ import annotations

import os
import pickle
import socket
import tempfile
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chimera.context import Isolation, Processes, isolation
from chimera.model import Finding
from chimera.proof import ProofReport

ISOLATED = Processes().isolation()
KERNELS = ("allows", "refuses")
DELETED = [{"mutate": "delete", "path": "src/answer.py"}]


@pytest.fixture
def team(bench: Any) -> Iterator[Any]:
    """A repository with a commit, and not in a folder for temporary files."""
    with tempfile.TemporaryDirectory(dir=Path.home(), prefix=".chimera-test-") as folder:
        own = type(bench)(Path(folder))
        own.write("README.md", "as it was\n")
        own.commit()
        yield own


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports lie where no other test's do: what writes to all of them writes to our own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def attack(script: str, *, after: str = "", **changes: Any) -> dict[str, Any]:
    """A proof whose step tries something, hides what came of it, and shows what it should."""
    attempt = textwrap.indent(textwrap.dedent(script), "    ")
    text = f"try:\n{attempt}\nexcept OSError as error:\n    pass\n{after}\nprint(42)\n"
    step = {
        "run": "command",
        "argv": ["python", "-c", text],
        "expect": {"stdout": {"contains": ["42"]}},
    }
    base = {"run": "command", "argv": ["python", "src/answer.py"]}
    return {"steps": [base, step], "controls": DELETED} | changes


def proven(team: Any, kernel: str, **spec: Any) -> ProofReport:
    """Prove where the kernel allows to isolate, or refuses to."""
    team.proof(**spec)
    if kernel == "allows":
        if Isolation.whole() != ISOLATED:
            pytest.skip(f"the kernel allows only {ISOLATED}")
        return team.prove()[0]  # type: ignore[no-any-return]
    team.context = replace(team.context, processes=Processes())  # which asks the kernel again
    report = refused(lambda: team.prove()[0])
    evidence = team.store.get(report.evidence)
    assert evidence["predicate"]["volatile"]["isolation"] == {
        "network": False,
        "files": False,
        "processes": False,
    }
    return report  # type: ignore[no-any-return]


def refused(work: Callable[[], Any]) -> Any:
    """Return what `work` returns in a process for which the kernel makes no namespace."""
    if not ISOLATED.network:
        return work()
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child uses none of the threads
        pid = os.fork()
    if pid == 0:
        try:
            isolation.enter(network=False, files=False, processes=False)
            for kind in ("user", "net", "mnt", "pid", "ipc"):
                Path(f"/proc/sys/user/max_{kind}_namespaces").write_text("0")
            result = pickle.dumps(work())
        except BaseException as error:
            result = pickle.dumps(f"{type(error).__name__}: {error}")
        with os.fdopen(writing, "wb") as file:
            file.write(result)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        result = file.read()
    os.waitpid(pid, 0)
    returned = pickle.loads(result)
    assert not isinstance(returned, str), returned
    return returned


# Writing into the repository

ROUTES = {
    "an absolute path": "open('{root}/README.md', 'a').write('mine')",
    "a new file": "open('{root}/new.txt', 'w').write('mine')",
    "a link in the export": """
        import os
        os.symlink('{root}', 'way')
        open('way/README.md', 'a').write('mine')
    """,
    "another name of itself": "open('/proc/self/root{root}/README.md', 'a').write('mine')",
    "what is above it": """
        import os
        up = os.path.relpath('{root}', os.getcwd())
        open('/proc/self/cwd/' + up + '/README.md', 'a').write('mine')
    """,
    "its mode": "import os; os.chmod('{root}/README.md', 0o777)",
    "deleting": "import os; os.unlink('{root}/README.md')",
    "git": """
        import subprocess
        who = ['-c', 'user.name=a', '-c', 'user.email=a@example.org']
        for args in (['commit', '-qm', 'mine', '--allow-empty'], ['branch', 'mine']):
            subprocess.run(['git', '-C', '{root}', *who, *args], capture_output=True)
    """,
    "a hook": "open('{root}/.git/hooks/post-checkout', 'w').write('mine')",
    "its settings": "open('{root}/.git/config', 'a').write('[core] pager = mine')",
}


def contents(root: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(root)): (path.stat().st_mode, path.read_bytes())
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".chimera" not in path.parts
    }


@pytest.mark.parametrize("route", ROUTES)
def test_step_cannot_write_into_the_repository(team: Any, route: str) -> None:
    spec = attack(ROUTES[route].format(root=team.root))
    team.proof(**spec)
    before = contents(team.root)
    proven(team, "allows", **spec)
    assert contents(team.root) == before


@pytest.mark.parametrize("route", ROUTES)
def test_step_that_wrote_into_the_repository_fails_and_the_path_is_named(
    team: Any, route: str
) -> None:
    before = contents(team.root)
    report = proven(team, "refuses", **attack(ROUTES[route].format(root=team.root)))
    assert report.finding is Finding.FAIL
    changed = [
        path
        for path in before.keys() | contents(team.root).keys()
        if before.get(path) != contents(team.root).get(path)
        and not path.startswith((".git/objects", "proofs/"))
    ]
    assert changed
    ending = "changed while it ran: a step may write to nothing but its own folder"
    named = [r.removesuffix(ending).strip() for r in report.reasons if r.endswith(ending)]
    assert set(named) & set(changed)
    assert team.standing().state == "failed"


def test_step_that_does_not_hide_it_fails_with_what_the_system_said(team: Any) -> None:
    text = f"open({str(team.root / 'README.md')!r}, 'a').write('mine')"
    report = proven(team, "allows", steps=[{"run": "command", "argv": ["python", "-c", text]}])
    assert report.finding is Finding.FAIL
    assert any("Read-only file system" in reason for reason in report.reasons)


@pytest.mark.parametrize("kernel", KERNELS)
def test_output_that_is_saved_follows_no_link_out_of_the_export(team: Any, kernel: str) -> None:
    link = {"run": "command", "argv": ["ln", "-s", str(team.root), "way"]}
    say = {"run": "command", "argv": ["echo", "mine"], "saveStdout": "way/README.md"}
    report = proven(team, kernel, steps=[link, say])
    assert report.finding is Finding.FAIL
    assert report.reasons == (
        "step 2: way/README.md cannot be written: a link leads out of the exported folder",
    )
    assert (team.root / "README.md").read_text() == "as it was\n"


@pytest.mark.parametrize("kernel", KERNELS)
def test_step_cannot_prepare_the_folder_of_the_next(team: Any, kernel: str) -> None:
    script = f"import os; os.symlink({str(team.root)!r}, '../step-3')"
    spec = attack(script)
    spec["steps"].append({"run": "pytest", "paths": ["src"]})
    report = proven(team, kernel, **spec)
    assert report.finding is not Finding.PASS
    assert not (team.root / "pytest.ini").exists()
    if kernel == "refuses":
        assert (
            "step 3: a step before it took the place of its folder: File exists" in report.reasons
        )


# Leaving a process behind

DAEMON = """
    import os, time
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
"""
STUBBORN = """
    import os, signal, time
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
"""


def alive(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if mark in words:
            found.append(words)
    return found


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("script", "named"),
    [
        (DAEMON, "python -c"),
        (STUBBORN, "python -c"),
        ("import os; os.system('nohup sleep 600.125 > /dev/null 2>&1 &')", "sleep 600.125"),
        ("import os; os.system('setsid -f sleep 600.125')", "sleep 600.125"),
    ],
)
def test_process_that_is_left_behind_fails_with_its_command_named(
    team: Any, kernel: str, script: str, named: str
) -> None:
    mark = f"mark-{os.getpid()}-{time.monotonic_ns()}"
    report = proven(team, kernel, **attack(script, after=f"# {mark}"))
    assert report.finding is Finding.FAIL
    (reason,) = [reason for reason in report.reasons if "left a process behind" in reason]
    assert reason.startswith(f"step 2: it left a process behind: {named}")
    assert alive(mark) == alive("600.125") == []


# Using too much


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("limits", "script", "said"),
    [
        (
            {"processes": 20},
            "import os, time\n    while True:\n        os.fork()\n        time.sleep(0.2)",
            "step 2: it was ended at its processes limit 20",
        ),
        (
            {"memory": "200MiB"},
            "import time; taken = b'x' * 400_000_000; time.sleep(60)",
            "step 2: it was ended at its memory limit 200MiB",
        ),
        ({"cpu": "500ms"}, "while True: pass", "step 2: it was ended at its cpu limit 500ms"),
        (
            {"output": "64KiB"},
            "print('x' * 100_000)",
            "step 2: it said more than its output limit 64KiB",
        ),
        (
            {"file": "64KiB"},
            "import signal as s; s.signal(25, s.SIG_DFL); open('a', 'w').write('x' * 99999)",
            "step 2: it was ended at its file limit 64KiB",
        ),
        (
            {"file": "64KiB"},
            "import pathlib; pathlib.Path('a').write_text('x' * 99999)",
            "step 2: a file may have been larger than its file limit 64KiB",
        ),
    ],
)
def test_limit_that_a_step_passes_is_named(
    team: Any, kernel: str, limits: dict[str, Any], script: str, said: str
) -> None:
    step = attack("pass")["steps"]
    step[1]["argv"][2] = f"if True:\n    {script}\n"
    report = proven(team, kernel, steps=step, limits=limits, controls=DELETED)
    assert report.finding is Finding.FAIL
    assert said in report.reasons


def test_limits_have_defaults_that_are_written_like_any(team: Any) -> None:
    team.proof()
    assert team.get().spec.limits.bounds().total_memory_bytes == 4 << 30
    team.proof(limits={"memory": "2 GiB"})
    (found,) = team.load().diagnostics
    assert "memory" in str(found)


# Reaching others


def test_step_reaches_no_network(team: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        script = f"""
            import socket
            socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), timeout=5)
            print("reached")
        """
        spec = attack(script)
        spec["steps"][1]["expect"]["stdout"]["excludes"] = ["reached"]
        assert proven(team, "allows", **spec).finding is Finding.PASS
        assert proven(team, "refuses", **spec).finding is Finding.FAIL


def test_step_sees_no_folder_of_another_run(team: Any) -> None:
    script = """
        import glob, os, tempfile
        runs = glob.glob(os.path.realpath("../../..") + "/chimera-*/*")
        print("saw", len([run for run in runs if os.listdir(run)]))
    """
    step = attack(script)
    step["steps"][1]["expect"]["stdout"] = {"contains": ["saw 1\n"]}
    assert proven(team, "allows", **step, repeat=4).finding is Finding.PASS


INTO_LATER = """
    import glob, os
    for path in glob.glob(os.path.realpath("../../..") + "/chimera-inputs-*/*/src/answer.py"):
        open(path, "w").write("print(42)")
"""


@pytest.mark.usefixtures("alone")
def test_step_cannot_change_what_a_later_run_is_given(team: Any) -> None:
    script = f"{INTO_LATER}\n        print('reached')"
    spec = attack(script, repeat=3)
    spec["steps"][1]["expect"]["stdout"]["excludes"] = ["reached"]
    assert proven(team, "allows", **spec).finding is Finding.PASS


@pytest.mark.usefixtures("alone")
def test_step_that_changed_what_a_later_run_is_given_fails(team: Any) -> None:
    report = proven(team, "refuses", **attack(INTO_LATER, repeat=3))
    assert report.finding is Finding.FAIL
    assert any(reason.startswith("the exported src/answer.py changed") for reason in report.reasons)


KILL = "import os, signal; os.kill(os.getppid(), signal.SIGKILL)"


def test_step_cannot_end_its_supervisor(team: Any) -> None:
    assert proven(team, "allows", **attack(KILL)).finding is Finding.PASS


def test_step_that_ends_its_supervisor_fails_and_leaves_nothing(team: Any) -> None:
    mark = f"mark-{os.getpid()}-{time.monotonic_ns()}"
    report = proven(team, "refuses", **attack(KILL, after=f"import time; time.sleep(60) # {mark}"))
    assert report.finding is Finding.FAIL
    assert any("the process that supervised" in reason for reason in report.reasons)
    assert alive(mark) == []


def test_proof_passes_where_nothing_is_tried(team: Any) -> None:
    for kernel in KERNELS:
        assert proven(team, kernel).finding is Finding.PASS
