"""The `allowed_signers` file of `ssh-keygen -Y verify`, so that anybody can check without us."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from chimera.signatures.keys import PublicKey
from chimera.signatures.sshsig import APPROVAL, EVIDENCE
from chimera.signatures.wire import SignatureError

# What stands for itself in ssh-keygen's pattern lists.
_PLAIN = re.compile(r"[A-Za-z0-9@._/+-]{1,255}")


@dataclass(frozen=True, slots=True)
class AllowedSigner:
    """Whose a key is, what it may sign, and when; a revoked key has no line."""

    principal: str
    key: PublicKey
    namespaces: tuple[str, ...] = (EVIDENCE, APPROVAL)
    not_before: datetime | None = None
    not_after: datetime | None = None

    @property
    def line(self) -> str:
        """The signer's line; raises `SignatureError` for names that ssh-keygen would expand."""
        for name in (self.principal, *self.namespaces):
            if not _PLAIN.fullmatch(name):
                raise SignatureError(f"{name!r} cannot stand in a file of allowed signers")
        options = [f'namespaces="{",".join(self.namespaces)}"']
        if self.not_before is not None:
            options.append(f'valid-after="{_instant(self.not_before)}"')
        if self.not_after is not None:
            options.append(f'valid-before="{_instant(self.not_after)}"')
        return f"{self.principal} {','.join(options)} {self.key.text}"


def allowed_signers(signers: Iterable[AllowedSigner]) -> str:
    """Return the file's text, one sorted line a key."""
    return "".join(f"{line}\n" for line in sorted({signer.line for signer in signers}))


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ")
