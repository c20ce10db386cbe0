"""Git commands that change a repository or reach a remote one, for whoever runs processes.

As hostile to the repository as `repository` is: no hook, monitor or credential helper of its
configuration runs, and nobody else's is read. Each is run by `context`, which can end it. Refuses
any protocol but https and ssh, and paths of this machine.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

from chimera.context import Command, Limits, base_environment
from chimera.documents.repository import ENVIRONMENT, SETTINGS
from chimera.model import UsageError

_OUTPUT_BYTES = 16 << 20
_REMOTE_SETTINGS = {
    "core.askPass": "",
    "core.sshCommand": "ssh -oBatchMode=yes",
    "credential.helper": "",
    "protocol.https.allow": "always",
    "protocol.ssh.allow": "always",
    "protocol.file.allow": "always",
    "push.recurseSubmodules": "no",
    "fetch.recurseSubmodules": "no",
    "http.followRedirects": "false",
}
_REMOTE_VARIABLES = ("SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PROTOCOLS = {"GIT_ALLOW_PROTOCOL": "https:ssh:file"}
_REMOTE = re.compile(r"(?:https|ssh)://[!-~]+|/[^\x00-\x1f\x7f]*|[\w.-]+@[\w.-]+:[!-~]+")


def git_command(
    root: Path,
    *arguments: str,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    remote: bool = False,
) -> Command:
    """Return a Git command in `root`; only a `remote` one may reach another repository.

    `environment` may hold what must not be seen on a command line.
    """
    settings = SETTINGS | (_REMOTE_SETTINGS if remote else {})
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    env = base_environment(allow=_REMOTE_VARIABLES if remote else ())
    env |= {**ENVIRONMENT, **(_PROTOCOLS if remote else {}), **(environment or {})}
    return Command(
        ("git", "--no-pager", *options, *arguments),
        cwd=root,
        env=env,
        stdin=stdin,
        limits=Limits(output_bytes=_OUTPUT_BYTES),
    )


def check_remote(url: str) -> str:
    """Return the address of a repository; raises `UsageError` for one that Git is not given.

    A remote's name is none: the configuration says what it means, and what is run for it. Nor is
    an https address with a password, which would be seen.
    """
    if not _REMOTE.fullmatch(url) or (url.startswith("https:") and "@" in url.split("/")[2]):
        raise UsageError(
            f"{url!r} is not the address of a repository",
            help="write https://…, ssh://…, user@host:path or an absolute path",
        )
    return url


def authorization(url: str, token: str) -> Mapping[str, str]:
    """Return the environment by which Git shows a token to the https remote `url`, and no other."""
    value = b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{url}.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {value}",
    }
