"""The operations `git.*`: what the repository of the tree holds, and new commits, tags and pushes.

A commit is made of blobs and a parent: neither the work tree nor Git's index is touched, and a
branch that is checked out is refused. A commit made again is the same one, so every attempt may
be repeated. Refuses hooks, configured remotes and credential helpers, and any force but one that
says what it expects to replace.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from chimera.builtin.workflow.operations.git_models import (
    CommitInputs,
    CommitOutputs,
    CommittedOutputs,
    DiffInputs,
    DiffOutputs,
    FetchInputs,
    LogInputs,
    LogOutputs,
    PushInputs,
    ResolveInputs,
    TagInputs,
)
from chimera.builtin.workflow.operations.tree import read_bytes
from chimera.context import Completed
from chimera.documents import (
    Globs,
    authorization,
    differences,
    git_command,
    open_commit,
)
from chimera.runtime import Operation, OperationCall, PermanentError
from chimera.runtime.recovery import Category, StepError

_LARGEST = 64 << 20
_LASTING = (
    "authentication failed",
    "could not read password",
    "could not read username",
    "does not appear to be a git repository",
    "error: 401",
    "error: 403",
    "not found",
    "permission denied",
)
"""What Git says where another attempt would not help."""


def resolve(call: OperationCall[ResolveInputs]) -> Mapping[str, Any]:
    """Return the commit that a revision names."""
    return {"commit": _resolve(call, call.inputs.revision)}


def diff(call: OperationCall[DiffInputs]) -> Mapping[str, Any]:
    """Compare two commits, path by path; no filter and no attribute has a say."""
    inputs = call.inputs
    before, after = (open_commit(call.root, _resolve(call, r)) for r in _ends(inputs))
    found = differences(before, after, Globs(inputs.paths) if inputs.paths else None)
    if len(found) > inputs.limit:
        raise PermanentError(
            f"{len(found)} paths differ, more than {inputs.limit}",
            help="name the paths that count, or raise limit",
        )
    changes = [
        {
            "path": item.path,
            "change": "created" if not item.before else "updated" if item.after else "deleted",
        }
        for item in found
    ]
    return {"changes": changes, "paths": [change["path"] for change in changes]}


def _ends(inputs: DiffInputs) -> tuple[str, str]:
    return inputs.before, inputs.after


def log(call: OperationCall[LogInputs]) -> Mapping[str, Any]:
    """List commits, the newest first."""
    inputs = call.inputs
    since = () if inputs.since is None else (f"^{_resolve(call, inputs.since)}",)
    listed = _git(
        call,
        "rev-list",
        f"--max-count={inputs.limit}",
        "--no-commit-header",
        "--format=%H%x00%an%x00%ae%x00%cI%x00%s%x00",
        _resolve(call, inputs.revision),
        *since,
        "--",
        *(f":(top,glob){glob}" for glob in inputs.paths),
    )
    parts = listed.split("\0")
    names = ("commit", "author", "email", "time", "subject")
    rows = (parts[at : at + 5] for at in range(0, len(parts) - 5, 5))
    return {"commits": [dict(zip(names, (row[0].strip(), *row[1:]), strict=True)) for row in rows]}


def commit(call: OperationCall[CommitInputs]) -> Mapping[str, Any]:
    """Put a commit on a branch that is not checked out."""
    inputs = call.inputs
    branch = f"refs/heads/{inputs.branch}"
    _require_name(call, branch)
    if f"branch {branch}\n" in _git(call, "worktree", "list", "--porcelain"):
        raise PermanentError(
            f"{inputs.branch!r} is checked out: a commit would not be in the work tree",
            help="commit to another branch",
        )
    before = _ref(call, branch)
    parent = before or _resolve(call, inputs.base)
    tree = _tree(call, parent)
    if tree == _git(call, "rev-parse", f"{parent}^{{tree}}").strip():
        made = parent
    else:
        # The time is that of the first attempt: whoever tries again makes the same commit.
        who = f"{inputs.author} {int(call.now.timestamp())} +0000"
        text = f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\n{inputs.message}\n"
        made = _write_object(call, "commit", text.encode())
    if made != before:
        _git(call, "update-ref", branch, made, before or "")
    return {"commit": made, "branch": branch}


def tag(call: OperationCall[TagInputs]) -> Mapping[str, Any]:
    """Name a commit; the same again changes nothing."""
    name = f"refs/tags/{call.inputs.name}"
    _require_name(call, name)
    wanted, there = _resolve(call, call.inputs.revision), _ref(call, name)
    if there is None:
        _git(call, "update-ref", name, wanted, "")
    elif there != wanted:
        raise PermanentError(
            f"the tag {call.inputs.name!r} names {there[:12]} already, not {wanted[:12]}",
            help="give another name: a tag that moves tells nobody what it names",
        )
    return {"commit": wanted}


def push(call: OperationCall[PushInputs]) -> Mapping[str, Any]:
    """Send a commit to a ref of another repository; what is there already changes nothing."""
    inputs = call.inputs
    _require_name(call, inputs.to)
    sent = _resolve(call, inputs.revision)
    lease = (f"--force-with-lease={inputs.to}:{inputs.replaces}",) if inputs.replaces else ()
    _remote(
        call,
        inputs.remote,
        inputs.token,
        *("push", "--porcelain", "--no-verify", *lease),
        *("--", inputs.remote, f"{sent}:{inputs.to}"),
    )
    return {"commit": sent}


def fetch(call: OperationCall[FetchInputs]) -> Mapping[str, Any]:
    """Fetch a commit of another repository, and what it needs; the work tree stays as it is."""
    inputs = call.inputs
    kept = f"refs/chimera/{inputs.name}"
    _require_name(call, kept)
    _remote(
        call,
        inputs.remote,
        inputs.token,
        *("fetch", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"),
        *("--", inputs.remote, f"+{inputs.ref}:{kept}"),
    )
    return {"commit": _resolve(call, kept)}


def _tree(call: OperationCall[CommitInputs], parent: str) -> str:
    """Return the tree of `parent` with the files put in and the others removed."""
    lines = [f"0 {'0' * len(parent)}\t{path}\0" for path in call.inputs.delete]
    for path, source in call.inputs.files.items():
        blob = _write_object(call, "blob", read_bytes(call.root, source, _LARGEST))
        lines.append(f"100644 {blob}\t{path}\0")
    with _own_index() as index:
        _git(call, "read-tree", parent, environment=index)
        changes = "".join(lines).encode()
        _git(call, "update-index", "-z", "--index-info", stdin=changes, environment=index)
        return _git(call, "write-tree", environment=index).strip()


@contextmanager
def _own_index() -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory(prefix="chimera-index-") as folder:
        yield {"GIT_INDEX_FILE": str(Path(folder, "index"))}


def _write_object(call: OperationCall[Any], kind: str, data: bytes) -> str:
    words = ("hash-object", "-t", kind, "-w", "--stdin", "--no-filters")
    return _git(call, *words, stdin=data).strip()


def _resolve(call: OperationCall[Any], revision: str) -> str:
    """Return the commit that a revision names; raises `PermanentError` where it names none."""
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    done = _run(call, *words)
    if done.returncode != 0:
        raise PermanentError(
            f"{revision!r} names no commit of this repository",
            help="name a branch, a tag, HEAD~1 or a commit id; fetch it where it is elsewhere",
        )
    return done.stdout.decode().strip()


def _ref(call: OperationCall[Any], name: str) -> str | None:
    """Return what a ref, named in full, points to, if there is one."""
    done = _run(call, "show-ref", "--verify", "--hash", "--", name)
    return done.stdout.decode().strip() if done.returncode == 0 else None


def _require_name(call: OperationCall[Any], ref: str) -> None:
    if _run(call, "check-ref-format", ref).returncode != 0:
        raise PermanentError(f"{ref!r} is no name that Git allows", category=Category.VALIDATION)


def _git(
    call: OperationCall[Any],
    *arguments: str,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run Git here; raises `StepError` with what it said."""
    done = _run(call, *arguments, stdin=stdin, environment=environment)
    if done.returncode != 0:
        raise StepError(f"git {arguments[0]} failed: {_said(call, done)}")
    return done.stdout.decode(errors="replace")


def _run(
    call: OperationCall[Any],
    *arguments: str,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> Completed:
    command = git_command(call.root, *arguments, stdin=stdin, environment=environment)
    return call.context.processes.run(command, cancelled=call.cancelled)


def _remote(call: OperationCall[Any], url: str, token: str, *arguments: str) -> None:
    """Run Git with another repository; a token is seen by nobody but the remote."""
    if token and not url.startswith("https:"):
        raise PermanentError(f"a token goes to no {url.partition(':')[0]} remote, only to https")
    if token:
        call.context.secrets.add(token)
    environment = authorization(url, token) if token else {}
    command = git_command(call.root, *arguments, environment=environment, remote=True)
    command = replace(command, limits=replace(command.limits, output_bytes=1 << 20))
    done = call.context.processes.run(command, cancelled=call.cancelled)
    if done.returncode == 0:
        return
    said = _said(call, done)
    if done.returncode == 1 or any(word in said.lower() for word in _LASTING):
        raise PermanentError(
            f"git {arguments[0]} was refused: {said}", category=Category.COMMUNICATION
        )
    raise StepError(
        f"git {arguments[0]} failed: {said}", category=Category.COMMUNICATION, transient=True
    )


def _said(call: OperationCall[Any], done: Completed) -> str:
    """Return why Git failed, and of a push what became of the ref."""
    lines = (done.stdout + b"\n" + done.stderr).decode(errors="replace").splitlines()
    telling = [line for line in lines if line.startswith(("!", "fatal:", "error:", "remote:"))]
    return call.context.secrets.mask("; ".join(telling[:3]) or f"exit code {done.returncode}")


_operation = partial(Operation, on_interrupt="retry")

OPERATIONS = (
    _operation(
        "git.resolve",
        "Find the commit that a revision names.",
        ResolveInputs,
        CommitOutputs,
        resolve,
        effects=False,
    ),
    _operation(
        "git.diff", "List the paths that differ.", DiffInputs, DiffOutputs, diff, effects=False
    ),
    _operation("git.log", "List commits.", LogInputs, LogOutputs, log, effects=False),
    _operation(
        "git.commit",
        "Put a commit on a branch that is not checked out.",
        CommitInputs,
        CommittedOutputs,
        commit,
    ),
    _operation("git.tag", "Name a commit.", TagInputs, CommitOutputs, tag),
    _operation("git.push", "Send a commit to another repository.", PushInputs, CommitOutputs, push),
    _operation(
        "git.fetch", "Fetch a commit of another repository.", FetchInputs, CommitOutputs, fetch
    ),
)
