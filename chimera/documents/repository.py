"""Git as a source of facts: the only place that starts it.

A repository is hostile until shown otherwise: no hook, filter, monitor, pager or transport of its
configuration runs, nobody else's configuration is read, and values reach Git only after
`--end-of-options`, `--` or on stdin. `status` and diffs are never used: they run filters.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from chimera.model import GitError

SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.excludesFile": os.devnull,
    "core.attributesFile": os.devnull,
    "core.warnAmbiguousRefs": "true",
    "protocol.allow": "never",
    "advice.graftFileDeprecated": "false",  # said even of the empty one that is named below
}
ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # a missing object of a partial clone is never fetched
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",  # content is what the id says
    "GIT_GRAFT_FILE": os.devnull,  # and parents are what the commit says
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}


class Answer(NamedTuple):
    """How a Git command ended: its exit code, and what it wrote to both streams."""

    code: int
    output: bytes
    complaint: bytes


_PIPE = -1  # what subprocess.PIPE is; GitPython hands it on
_environment_lock = threading.Lock()


@contextmanager
def _without_git_variables() -> Iterator[None]:
    """Hide `GIT_*` while a process starts: a hook that runs us sets them for another repository.

    GitPython copies `os.environ`, and naming the repository instead (`GIT_DIR`) would switch off
    Git's own check of who owns it.
    """
    with _environment_lock:
        hidden = {name: os.environ[name] for name in os.environ if name.startswith("GIT_")}
        for name in hidden:
            del os.environ[name]
        try:
            yield
        finally:
            os.environ.update(hidden)


def start(root: Path, *arguments: str) -> Any:
    """Start Git in `root` and return the process, its three streams being pipes of bytes."""
    executable = shutil.which("git")
    if executable is None:
        raise GitError("git is not installed", help="install Git and put it on PATH")
    command = [str(Path(executable).absolute()), "--no-pager"]
    for name, value in SETTINGS.items():
        command += ["-c", f"{name}={value}"]
    with _without_git_variables():
        try:
            from git.cmd import Git  # here: it takes 60 ms
            from git.exc import GitCommandNotFound
        except ImportError as error:
            raise GitError("git cannot be run", help="check that `git version` works") from error
        try:
            return Git(str(root)).execute(
                [*command, *arguments], istream=_PIPE, as_process=True, env=ENVIRONMENT
            )
        except GitCommandNotFound as error:
            raise GitError("git cannot be run", help="check that `git version` works") from error


def run(root: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run Git in `root` and return its output; raises `GitError` with what Git said."""
    answer = ask(root, *arguments, stdin=stdin)
    if answer.code != 0:
        raise failure(arguments[0], answer.complaint)
    return answer.output


def run_bounded(root: Path, *arguments: str, limit: int) -> bytes:
    """Do what `run` does; raises `GitError` where more than `limit` bytes would come.

    A few small objects can list more paths than any machine holds.
    """
    process = start(root, *arguments)
    output = process.stdout.read(limit + 1)
    if len(output) > limit:
        process.proc.kill()
        process.communicate()
        raise GitError(
            f"git {arguments[0]} lists more than {limit >> 20} MiB of paths",
            help="look for a folder that holds itself many times over, as a hostile commit may",
        )
    _, complaint = process.communicate()
    if process.returncode != 0:
        raise failure(arguments[0], complaint)
    return bytes(output)


def ask(root: Path, *arguments: str, stdin: bytes = b"") -> Answer:
    """Run Git in `root`, where a failure may be an answer."""
    process = start(root, *arguments)
    output, complaint = process.communicate(stdin)
    return Answer(process.returncode, bytes(output), bytes(complaint))


def failure(command: str, complaint: bytes) -> GitError:
    """Return the error for a failed Git command and its first words."""
    lines = complaint.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
    reason = lines[0].removeprefix("fatal: ").removeprefix("error: ")
    if "dubious ownership" in reason:
        return GitError(
            "the repository belongs to another user, and git refuses it",
            help="run chimera as the owner of the folder, or change its owner",
        )
    return GitError(f"git {command} failed: {reason}", help="run the same in a full, intact clone")


def has_git(root: Path) -> bool:
    """Tell whether `root` lies in a Git work tree or is a bare repository."""
    return enclosing(root) is not None or is_bare(root)


def enclosing(start_at: Path) -> Path | None:
    """Return the top folder of the Git work tree around `start_at`."""
    for folder in (start_at, *start_at.parents):
        mark = folder / ".git"
        if mark.is_file() or _is_git_folder(mark):
            return folder
    return None


def is_bare(folder: Path) -> bool:
    """Tell whether `folder` is a repository without a work tree."""
    return _is_git_folder(folder) and (folder / "refs").is_dir()


def _is_git_folder(folder: Path) -> bool:
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir()


def find_root(start: Path) -> Path:
    """Return the folder to work in: the Git work tree around `start`, else the nearest folder
    above that is a bare repository or has `specs/` or `.chimera/`, else `start` itself.
    """
    folder = start.absolute()
    if not folder.is_dir():
        folder = folder.parent
    top = enclosing(folder)
    if top is not None:
        return top
    for candidate in (folder, *folder.parents):
        if is_bare(candidate):
            return candidate
        if (candidate / "specs").is_dir() or (candidate / ".chimera").is_dir():
            return candidate
    return folder


def tracked_below(root: Path, folder: str) -> tuple[str, ...]:
    """Return what Git tracks at or below `folder` of the top folder `root`, in any case of letters;
    nothing without Git.
    """
    if enclosing(root) != root or not shutil.which("git"):
        return ()
    listed = run(root, "ls-files", "-z", "--", f":(icase,literal){folder}")
    return tuple(map(os.fsdecode, listed.split(b"\0")[:-1]))
