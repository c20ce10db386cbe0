"""Whose keys count, and for what, as one revision of a trusted ref says.

Plain values: `gate.identities` makes them of documents. Refuses to verify a signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal

from chimera.model.address import Address

Capability = Literal["approve", "prove"]
"""What the holder of a role can do: give an approval, or vouch for evidence."""


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key, whose it is, and what it counts for.

    `fingerprint` is as `ssh-keygen -l` prints it, `public` the key in OpenSSH's form without its
    comment. `capabilities` are those of all of `roles`; what one role grants, `can` tells.
    """

    fingerprint: str
    public: str
    identity: Address
    human: bool
    roles: tuple[Address, ...] = ()
    capabilities: frozenset[Capability] = frozenset()
    not_before: datetime | None = None
    not_after: datetime | None = None
    revoked: datetime | None = None

    def refusal(self, now: datetime) -> str | None:
        """Say why the key does not count at `now`, `None` where it does.

        A revoked key never counts, whatever date a signature claims: who has it writes any.
        """
        if self.revoked is not None:
            return f"the key {self.fingerprint} of {self.identity} is revoked"
        if self.not_before is not None and now < self.not_before:
            when = self.not_before.isoformat()
            return f"the key {self.fingerprint} of {self.identity} counts from {when} only"
        if self.not_after is not None and now >= self.not_after:
            when = self.not_after.isoformat()
            return f"the key {self.fingerprint} of {self.identity} expired at {when}"
        return None


@dataclass(frozen=True)
class TrustRoot:
    """The keys of one revision of a trusted ref, and what each role grants there.

    A key that two identities name is nobody's: it is in `shared` and not among the `keys`. One that
    only comes with what is about to be applied is in `pending`, and not among them either.
    """

    ref: str
    revision: str
    keys: tuple[TrustedKey, ...]
    roles: Mapping[Address, frozenset[Capability]] = field(default_factory=dict)
    emails: Mapping[str, Address] = field(default_factory=dict)
    """Whose an e-mail address is, in lower case; one that two identities name is nobody's."""
    shared: frozenset[str] = frozenset()
    pending: frozenset[str] = frozenset()

    @cached_property
    def _by_fingerprint(self) -> Mapping[str, TrustedKey]:
        return {key.fingerprint: key for key in self.keys}

    def find(self, fingerprint: str) -> TrustedKey | None:
        """Return the key with a fingerprint, if it is somebody's."""
        return self._by_fingerprint.get(fingerprint)

    def can(self, key: TrustedKey, capability: Capability, role: Address | None = None) -> bool:
        """Tell whether a key's identity has a capability: through `role`, or through any."""
        if role is None:
            return capability in key.capabilities
        return role in key.roles and capability in self.roles.get(role, frozenset())
