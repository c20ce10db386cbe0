"""Fetching and pushing one ref: the only place that talks to another machine through Git.

How a remote is reached (its address, keys, helpers, proxies) is what `git fetch` would use here;
no hook runs, nothing asks for a password, no transport but Git's own is used, and everything ends
after a time limit. Refuses to force: a push that lost a race is told, not won.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from chimera.context import Command, Completed, Context, Limits, base_environment
from chimera.documents.refstore import remotes, tip
from chimera.documents.repository import has_git
from chimera.model import GitError, UsageError

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "fetch.fsckObjects=true",
    "maintenance.auto=false",
    "gc.auto=0",
)
# What tells Git how to reach a remote, and nothing that sends it to another repository.
_LET_IN = (
    *("GIT_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_PROXY_COMMAND"),
    *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "XDG_CONFIG_HOME"),
    *("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("SSH_AUTH_SOCK", "SSH_AGENT_PID", "USER", "LOGNAME"),
    *("GH_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN"),  # what credential helpers read in CI
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
)
_LARGEST_PACK = 1 << 30
_REMOTE = re.compile(r"(?!-)[^\x00-\x20\x7f]{1,2000}")
_PASSWORD = re.compile(r"(?<=://)[^/@\s]*@")
# How receivers and Git itself call a ref that moved since it was fetched.
_LOST = (
    *("fetch first", "non-fast-forward", "stale info", "cannot lock ref", "failed to update ref"),
    *("incorrect old value", "reference already exists", "failed to lock", "unable to lock"),
)


def fetch_ref(
    root: Path, remote: str, ref: str, context: Context, *, timeout: float = 300.0
) -> str | None:
    """Fetch a ref of `remote` and return the commit that it names there; `None` without the ref.

    Raises `GitError` where the remote cannot be read, `UsageError` for what is no remote.
    """
    here = f"refs/chimera/remotes/{hashlib.sha256(remote.encode()).hexdigest()[:16]}"
    arguments = (
        *("fetch", "--quiet", "--no-tags", "--no-filter", "--no-write-fetch-head", "--refmap="),
        *("--recurse-submodules=no", "--no-auto-maintenance", "--end-of-options"),
    )
    for _ in range(3):  # another process here may hold the lock of `here`
        done = _git(root, remote, context, timeout, *arguments, remote, f"+{ref}:{here}")
        complaint = done.stderr.decode("utf-8", "replace")
        if done.returncode == 0 and not done.timed_out:
            return tip(root, here)
        if "couldn't find remote ref" in complaint.lower():
            return None
        if not _is_lost(complaint):
            break
    raise _failure("fetch from", remote, done, timeout)


def push_ref(
    root: Path, remote: str, commit: str, ref: str, context: Context, *, timeout: float = 300.0
) -> bool:
    """Push a commit to a ref of `remote`; return whether it got there before anybody else's.

    Raises `GitError` where the remote cannot be written, `UsageError` for what is no remote.
    """
    arguments = (
        *("push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--no-progress"),
        *("--recurse-submodules=no", "--end-of-options", remote, f"{commit}:{ref}"),
    )
    done = _git(root, remote, context, timeout, *arguments)
    if done.returncode == 0 and not done.timed_out:
        return True
    told = (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace")
    rejected = [line for line in told.splitlines() if line.startswith("!")]
    if not done.timed_out and any(_is_lost(line) for line in rejected):
        return False
    raise _failure("push to", remote, done, timeout, rejected)


def _git(root: Path, remote: str, context: Context, timeout: float, *arguments: str) -> Completed:
    if not has_git(root):
        raise GitError(f"{str(root)!r} is not in a git repository", help="run `git init` first")
    if not _REMOTE.fullmatch(remote):
        raise UsageError(f"{remote!r} is not a remote", help=_known(root))
    settings = (part for setting in _SETTINGS for part in ("-c", setting))
    environment = base_environment(
        allow=_LET_IN,
        GIT_ALLOW_PROTOCOL="file:git:http:https:ssh",
        GIT_TERMINAL_PROMPT="0",
        GCM_INTERACTIVE="never",
        GIT_NO_REPLACE_OBJECTS="1",
    )
    return context.processes.run(
        Command(
            ("git", "--no-pager", *settings, *arguments),
            cwd=root,
            env=environment,
            timeout=timeout,
            limits=Limits(file_bytes=_LARGEST_PACK, output_bytes=1 << 20),
        )
    )


def _is_lost(complaint: str) -> bool:
    return any(word in complaint.lower() for word in _LOST)


def _failure(
    what: str, remote: str, done: Completed, timeout: float, rejected: list[str] | None = None
) -> GitError:
    """Return the error for a failed exchange, without the password that an address may hold."""
    shown = _PASSWORD.sub("***@", remote)
    if done.timed_out:
        return GitError(
            f"git did not {what} {shown!r} within {timeout:g} s",
            help="see whether the remote answers: `git ls-remote` asks it",
        )
    lines = rejected or done.stderr.decode("utf-8", "replace").strip().splitlines()
    reason = _PASSWORD.sub("***@", _telling(lines))
    return GitError(f"git cannot {what} {shown!r}: {reason}", help=_help(reason))


def _telling(lines: list[str]) -> str:
    """Return the line that says most of why: a rejection, else what Git calls fatal or an error.

    What is wrong with an object stands before all that follows from it.
    """
    for mark in ("!", "error: object ", "fatal: ", "error: "):
        for line in lines:
            if line.startswith(mark):
                return line.removeprefix("error: ").removeprefix("fatal: ").lstrip("!\t ")
    return lines[0] if lines else "no reason given"


_HELPS = {
    "does not appear to be a git repository": "`git remote -v` lists the remotes there are",
    "no such remote": "`git remote -v` lists the remotes there are",
    "not allowed": "use an address that begins with https, ssh, git or file, or a path",
    "terminal prompts disabled": "give git its credentials by a helper, a token or an ssh agent",
    "could not read": "give git its credentials by a helper, a token or an ssh agent",
    "authentication failed": "give git its credentials by a helper, a token or an ssh agent",
    "permission": "ask for the right to write there; in GitHub Actions, `contents: write`",
    "403": "ask for the right to write there; in GitHub Actions, `contents: write`",
    "unpack": "ask for the right to write there; in GitHub Actions, `contents: write`",
    "hook declined": "see what the remote's hook or rules ask of refs/chimera/",
    "hidden ref": "allow the ref on the remote: `transfer.hideRefs` leaves it out",
    "object ": "what is there was not written by chimera: begin the ref anew",
}


def _help(reason: str) -> str:
    lowered = reason.lower()
    for word, help in _HELPS.items():
        if word in lowered:
            return help
    return "try it by hand with `git ls-remote`"


def _known(root: Path) -> str:
    named = ", ".join(remotes(root))
    return f"there is: {named}" if named else "add one with `git remote add origin URL`"
