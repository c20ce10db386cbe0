"""A team whose people sign: keys made on the spot, a gate over `src`, and what it says of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chimera.context import Context, FixedClock
from chimera.model import Outcome
from chimera.signatures.signer import BareSigner
from chimera.workspace import Workspace
from chimera.workspace.approving import Decision, Signature, propose, sign
from chimera.workspace.trust import Trust

SOURCE = "paths:src/**"
NOW = datetime.fromisoformat("2026-11-21T12:00:00+00:00")
ENVIRONMENTS = """\
apiVersion: chimera/v1
kind: Environment
metadata: {name: production}
spec: {protected: true}
---
apiVersion: chimera/v1
kind: Environment
metadata: {name: staging}
spec: {protected: true}
"""


def private(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"."))


def signer(name: str) -> BareSigner:
    return BareSigner.of(private(name))


def key_file(name: str, folder: Path) -> Path:
    """Write somebody's private key as ssh-keygen does."""
    file = folder / name
    file.write_bytes(
        private(name).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
    )
    file.chmod(0o600)
    return file


def document(kind: str, name: str, /, **spec: Any) -> str:
    value = {"apiVersion": "chimera/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    return json.dumps(value, indent=1) + "\n"


@dataclass
class Team:
    """A repository, the moment, and the ref that is trusted."""

    repository: Any
    now: datetime = NOW
    trust_ref: str | None = "main"

    @property
    def root(self) -> Path:
        return Path(self.repository.root)

    def write(self, path: str, text: str) -> None:
        self.repository.write(path, text)

    def identity(self, name: str, *keys: str, kind: str = "human", **more: Any) -> None:
        written = [{"key": signer(key).public.text, **more} for key in keys or (name,)]
        emails = [f"{name}@example.org"]
        self.write(
            f"specs/identities/{name}.yaml",
            document("Identity", name, kind=kind, emails=emails, keys=written),
        )

    def role(self, *members: str, name: str = "owner") -> None:
        named = [f"Identity/{member}" for member in members]
        self.write(f"specs/roles/{name}.yaml", document("Role", name, members=named))

    def gate(self, name: str = "source", match: Any = None, **approval: Any) -> None:
        asked = [{"role": "Role/owner", **approval}]
        self.write(
            f"specs/gates/{name}.yaml",
            document(
                "Gate", name, match=match or {"paths": ["src/**"]}, requires={"approvals": asked}
            ),
        )

    def commit(self, author: str = "ann", *options: str) -> str:
        self.repository.git("add", "-A")
        who = f"{author} <{author}@example.org>"
        self.repository.git("commit", "-q", "--allow-empty", "-m", "x", "--author", who, *options)
        return str(self.repository.git("rev-parse", "HEAD"))

    def branch(self, name: str = "topic") -> None:
        self.repository.git("checkout", "-q", "-b", name)

    def merge(self, name: str = "topic", *, squash: bool = False) -> None:
        self.repository.git("checkout", "-q", "main")
        if squash:
            self.repository.git("merge", "-q", "--squash", name)
            self.commit("ann")
        else:
            self.repository.git("merge", "-q", "--no-ff", "--no-edit", name)

    def edit(self, text: str = "pay = 2\n") -> None:
        self.write("src/pay.py", text)

    def workspace(self) -> Workspace:
        context = replace(Context.system(), clock=FixedClock(self.now), trust_ref=self.trust_ref)
        return Workspace.open(self.root, context)

    def approve(
        self,
        name: str,
        *,
        environment: str = "production",
        base: str | None = None,
        targets: Sequence[str] = (),
        run: str | None = None,
        decision: Decision = "approve",
        expires: timedelta | None = None,
        reason: str | None = None,
    ) -> Signature:
        workspace = self.workspace()
        proposal = propose(workspace, environment, base=base, targets=targets, run=run)
        return sign(workspace, proposal, decision, signer(name), expires=expires, reason=reason)

    def force(self, name: str, identity: str | None = None, **given: Any) -> Path:
        """Write the approval of somebody who may not sign one; `chimera approve` would refuse."""
        workspace = self.workspace()
        trust = workspace.trust
        assert trust is not None
        (known,) = {
            replace(key, fingerprint=signer(name).public.fingerprint) for key in trust.root.keys[:1]
        }
        claimed = replace(known, identity=replace(known.identity, name=identity or name))
        root = replace(trust.root, keys=(claimed,), shared=frozenset())
        forged = Trust(trust.ref, trust.revision, trust.loaded)
        forged.__dict__["root"] = root
        workspace.__dict__["trust"] = forged
        proposal = propose(workspace, "production", **given)
        return self.root / sign(workspace, proposal, "approve", signer(name)).path

    def apply(self, environment: str = "production") -> Any:
        self.now += timedelta(minutes=1)
        return self.workspace().apply(environment)

    def applies(self, environment: str = "production") -> None:
        result = self.apply(environment)
        assert result.outcome is Outcome.PASSED, refusals(result)

    def is_refused(self, environment: str = "production") -> str:
        """Apply, and return why that was refused."""
        result = self.apply(environment)
        assert result.outcome is not Outcome.PASSED
        assert result.value.items == ()
        return refusals(result)


def refusals(result: Any) -> str:
    ruling = result.value.ruling
    said = [reason for v in (ruling.refusals if ruling else ()) for reason in v.reasons]
    return "\n".join([*said, *(fault.message for fault in result.diagnostics)])


def edit_record(path: Path, **spec: Any) -> None:
    value = yaml.safe_load(path.read_text("utf-8"))
    value["spec"].update(spec)
    path.write_text(yaml.safe_dump(value, sort_keys=False), "utf-8")
