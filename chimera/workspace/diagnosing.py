"""What this machine can do for Chimera, and what it lacks: the facts behind `chimera doctor`."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from chimera.context import Command, Isolation, base_environment
from chimera.documents import head, is_contained
from chimera.model import ChimeraError, GitError, Outcome, Result, UsageError
from chimera.workspace.trust import trust_names, trusted_tree

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace

Health = Literal["ok", "limited", "broken"]


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that was looked at; `help` says what to do where it is not `ok`."""

    subject: str
    health: Health
    finding: str
    help: str = ""


def diagnose(workspace: Workspace) -> Result[tuple[Symptom, ...]]:
    """Look at the interpreter, Git, trust, keys, isolation, the state, the disk and documents."""
    found = tuple(symptom for look in _LOOKS for symptom in _safely(look, workspace))
    broken = any(symptom.health == "broken" for symptom in found)
    return Result(found, Outcome.FAILED if broken else Outcome.PASSED)


def _safely(look: Callable[[Workspace], Symptom], workspace: Workspace) -> Iterator[Symptom]:
    try:
        yield look(workspace)
    except ChimeraError as error:
        yield Symptom(look.__name__.strip("_"), "broken", error.message, error.help or "")


def _python(workspace: Workspace) -> Symptom:
    version = platform.python_version()
    return Symptom("python", "ok", f"{version} on {platform.system()} {platform.machine()}")


def _git(workspace: Workspace) -> Symptom:
    command = Command(("git", "--version"), workspace.root, base_environment())
    version = workspace.context.processes.run(command).stdout.decode().strip()
    try:
        commit = head(workspace.root)
    except ChimeraError as error:
        return Symptom("git", "limited", f"{version}; {error.message}", error.help or "")
    if commit is None:
        return Symptom(
            "git",
            "limited",
            f"{version}; nothing is committed here yet",
            "commit, to compare with refs and to apply to protected environments",
        )
    return Symptom("git", "ok", f"{version}; at {commit[:12]}")


def _trust(workspace: Workspace) -> Symptom:
    ref, full = trust_names(workspace)
    tree, commit = trusted_tree(workspace), head(workspace.root)
    if tree is None or tree.revision is None or commit is None:
        return Symptom(
            "trust",
            "limited",
            f"there is no {ref} whose keys, roles and gates count",
            "name another with CHIMERA_TRUST_REF=refs/heads/main, or fetch it:"
            " `git remote set-head origin --auto`; a protected environment takes nothing without",
        )
    named = f"{full}, as CHIMERA_TRUST_REF says," if workspace.context.trust_ref else ref
    finding = f"{named} at {tree.revision[:12]}"
    try:
        is_merged = is_contained(workspace.root, commit, tree.revision)
    except GitError as error:  # the clone is too shallow to tell
        return Symptom("trust", "limited", f"{finding}; {error.message}", error.help or "")
    if is_merged:
        return Symptom("trust", "ok", f"{finding}; HEAD is contained in it")
    return Symptom(
        "trust",
        "limited",
        f"{finding}; HEAD, {commit[:12]}, is not contained in it",
        f"merge it into {ref}, or fetch: a protected environment takes only what is contained",
    )


def _ssh_keygen(_: Workspace) -> Symptom:
    program = shutil.which("ssh-keygen")
    if program is None:
        return Symptom(
            "ssh-keygen",
            "limited",
            "it is not installed",
            "install OpenSSH's client: only it signs with keys that have a passphrase, lie in an"
            " agent or on a security key, and are not Ed25519",
        )
    return Symptom("ssh-keygen", "ok", program)


def _signing(workspace: Workspace) -> Symptom:
    """Say which key would sign; its private half is looked at, and nobody asked to open it."""
    from chimera.signatures import CommandSigner, open_signer

    try:
        signer = open_signer(workspace.context)
    except UsageError as error:
        return Symptom("signing", "limited", error.message, error.help or "")
    finding = f"{signer.public.algorithm} {signer.public.fingerprint}"
    if not isinstance(signer, CommandSigner):
        return Symptom("signing", "ok", finding)
    if shutil.which("ssh-keygen") is None:
        return Symptom(
            "signing", "limited", f"{finding}, by ssh-keygen, which is not there", "install OpenSSH"
        )
    return Symptom("signing", "ok", f"{finding}, by ssh-keygen")


def _network_isolation(workspace: Workspace) -> Symptom:
    walls = workspace.context.processes.isolation()
    if walls == Isolation.whole():
        return Symptom("isolation", "ok", "proofs have no network, and write to nothing of yours")
    if walls.network:
        return Symptom(
            "isolation",
            "limited",
            "proofs run without network, but could write to files that are not theirs",
            "what they wrote to in the repository fails them, and evidence will say so",
        )
    return Symptom(
        "isolation",
        "limited",
        "this system does not let proofs run without network",
        "evidence will say so; allow unprivileged user namespaces to change it",
    )


def _state(workspace: Workspace) -> Symptom:
    with workspace.read_state() as state:
        writer = state.writer()
        targets = len(state.applied("local"))
    busy = f"; in use by {writer}" if writer else ""
    return Symptom("state", "ok", f"{targets} targets applied to local{busy}")


def _disk(workspace: Workspace) -> Symptom:
    folder = workspace.root / ".chimera"
    folder = folder if folder.exists() else workspace.root
    if not os.access(folder, os.W_OK):
        return Symptom("disk", "broken", f"{folder} is not writable", "make it writable")
    space = os.statvfs(folder)
    free = space.f_bavail * space.f_frsize
    if free < 100 << 20:
        return Symptom("disk", "limited", f"{free >> 20} MiB free", "make room: evidence is kept")
    return Symptom("disk", "ok", f"{free >> 30} GiB free")


def _repository(workspace: Workspace) -> Symptom:
    documents = len(workspace.loaded.snapshot.documents)
    plugins = len(workspace.plugins.get_plugins())
    if not documents:
        return Symptom(
            "repository", "limited", "there are no documents", "`chimera init` writes first ones"
        )
    return Symptom("repository", "ok", f"{documents} documents, {plugins} plugins")


_LOOKS = (
    _python,
    _git,
    _trust,
    _ssh_keygen,
    _signing,
    _network_isolation,
    _state,
    _disk,
    _repository,
)
