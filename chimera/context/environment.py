"""The process environment: who acts, and what a command is allowed to see of it.

The only reader of `os.environ`. Refuses to hand a command anything that was not named.
"""

from __future__ import annotations

import getpass
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from chimera.context.secrets import looks_secret
from chimera.model import Actor, digest_bytes

_AUTOMATION = (
    "CI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "BUILDKITE",
    "CIRCLECI",
    "TF_BUILD",
    "JENKINS_URL",
    "TEAMCITY_VERSION",
)
_AUTOMATION_NAMES = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILDKITE_BUILD_CREATOR")
_SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin", "/opt/homebrew/bin")
_NO = ("", "0", "false", "no")


def actor_of(environ: Mapping[str, str]) -> Actor:
    """Return who acts: automation where a CI service says so, else the person logged in.

    `CHIMERA_ACTOR` gives another name and never another kind.
    """
    automated = any(environ.get(name, "").lower() not in _NO for name in _AUTOMATION)
    names = ("CHIMERA_ACTOR", *(_AUTOMATION_NAMES if automated else ()))
    given = next((environ[name] for name in names if environ.get(name, "").strip()), None)
    name = given or ("ci" if automated else _login())
    # The name is recorded and printed: a control character must not reach a terminal.
    printable = "".join(char if char.isprintable() else "?" for char in name.strip())
    return Actor(printable, "automation" if automated else "human")


def trust_ref_of(environ: Mapping[str, str]) -> str | None:
    """Return the Git ref that `CHIMERA_TRUST_REF` names; nothing in a repository can name one."""
    return environ.get("CHIMERA_TRUST_REF", "").strip() or None


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user without an entry in passwd
        return f"uid-{os.getuid()}"


def base_environment(*, allow: Iterable[str] = (), **extra: str) -> dict[str, str]:
    """Return a small environment for a command of the user's own, with `extra` on top.

    `allow` names variables that are let in where they are set. The running interpreter comes
    first on `PATH`, so that `python` is the one that runs Chimera.
    """
    let_in = {name: os.environ[name] for name in allow if name in os.environ}
    return (
        {
            "PATH": _path(),
            "HOME": os.environ.get("HOME", os.sep),
            "TMPDIR": tempfile.gettempdir(),
            "LANG": "C.UTF-8",
        }
        | let_in
        | extra
    )


def own_environment() -> dict[str, str]:
    """Return all that this process sees, for one that is Chimera too and does a part of its work.

    Never for a command of somebody else's.
    """
    return dict(os.environ)


def variable_marks(names: Iterable[str]) -> dict[str, str]:
    """Return what tells one value of each variable from another, and does not tell the value.

    That is `unset`, its digest, or, where somebody could guess a secret from that, only `set`.
    """

    def mark(name: str) -> str:
        value = os.environ.get(name)
        if value is None:
            return "unset"
        return "set" if looks_secret(name, value) else digest_bytes(os.fsencode(value))

    return {name: mark(name) for name in sorted(names)}


def _path() -> str:
    return os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))


def pinned_environment(
    *, source_date_epoch: int, home: Path, tmp: Path, allow: Iterable[str] = (), **extra: str
) -> dict[str, str]:
    """Return the environment of a proof's command: the same on every machine, with `extra` on top.

    `allow` names variables that are let in; none of them can override what is pinned. `PATH` has
    the running interpreter's folder, so that `python` is the one that evidence names, then the
    system's; where `allow` names it, the folders of whoever proves come last.
    """
    let_in = {name: os.environ[name] for name in allow if name in os.environ}
    theirs = (let_in["PATH"],) if "PATH" in let_in else ()
    path = (str(Path(sys.executable).parent), *_SYSTEM_PATH, *theirs)
    pinned = {
        "PATH": os.pathsep.join(path),
        "HOME": str(home),
        "TMPDIR": str(tmp),
        "SOURCE_DATE_EPOCH": str(source_date_epoch),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CONFIG_NOSYSTEM": "1",  # the user's own is out of reach with HOME
    }
    return let_in | pinned | extra
