"""Verifying 1,000 signed statements against one tree, beside bare Ed25519 on the same bytes.

    python -m tests.benchmarks.bench_verify

The statements are as `chimera prove` writes them, over 20 proofs; each is read from its envelope,
and every check is made. What the tree costs is paid once, and counted.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chimera.context import Context
from chimera.model import Address, Finding, Outcome, TrustedKey, TrustRoot, canonical_json
from chimera.proof import ProofReport, ProofSpec, RunReport, StepOutcome, Verifier
from chimera.proof.evidence.statement import build_statement
from chimera.proof.inputs import content_subjects
from chimera.signatures import IN_TOTO, Envelope, pae, sign_envelope
from chimera.signatures.signer import BareSigner
from chimera.workspace import Workspace

STATEMENTS, PROOFS, TESTS, ROUNDS = 1000, 20, 30, 7
NOW = datetime(2026, 11, 21, tzinfo=UTC)
PROOF = {
    "claim": "it holds",
    "inputs": ["src/**", "tests/**", "pyproject.toml"],
    "steps": [{"run": "command", "argv": ["true"]}],
    "controls": [{"mutate": "delete", "path": "src/a.py"}],
}


def repository(root: Path) -> Workspace:
    """Write a repository with proofs over 200 files, and open its commit."""
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for name in ("src", "tests", "proofs"):
        (root / name).mkdir()
    (root / "pyproject.toml").write_text("")
    (root / "src" / "a.py").write_text("")
    for number in range(100):
        (root / "src" / f"m{number}.py").write_text(f"{number}\n")
        (root / "tests" / f"test_{number}.py").write_text(f"{number}\n")
    for number in range(PROOFS):
        metadata = {"name": f"p{number}"}
        value = {"apiVersion": "chimera/v1", "kind": "Proof", "metadata": metadata, "spec": PROOF}
        (root / "proofs" / f"p{number}.yaml").write_text(json.dumps(value, indent=2) + "\n")
    return Workspace.open(root)


def envelopes(workspace: Workspace, signer: BareSigner) -> list[bytes]:
    """Return signed envelopes over statements that differ, as their JSON."""
    context = Context.system(now=NOW)
    names = {f"tests/test_{n}.py::test_it_holds": "passed" for n in range(TESTS)}
    step = StepOutcome(Finding.PASS, exercised=TESTS, outcomes=names)
    run = RunReport("repetition", Finding.PASS, (step,))
    control = RunReport("delete src/a.py", Finding.FAIL, (step,))
    snapshot = workspace.loaded.snapshot
    made = []
    for proof in snapshot.of_model(ProofSpec):
        report = ProofReport(proof.address, Finding.PASS, Outcome.PASSED, (run, run), (control,))
        subjects = content_subjects(proof, snapshot)
        statement = build_statement(
            proof, report, subjects, snapshot, context, "ci", ["chimera.proof.plugin"]
        )
        for number in range(STATEMENTS // PROOFS):
            volatile = {**statement["predicate"]["volatile"], "milliseconds": [number]}
            predicate = {**statement["predicate"], "volatile": volatile}
            payload = canonical_json({**statement, "predicate": predicate})
            made.append(sign_envelope(Envelope(IN_TOTO, payload), signer).to_json())
    return made


def seconds(work: Callable[[], None]) -> float:
    """Return how long a piece of work took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def run() -> None:
    """Print seconds for all statements, and the ratio to bare signatures."""
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signer = BareSigner.of(private)
    key = TrustedKey(
        signer.public.fingerprint,
        signer.public.text,
        Address("Identity", "ci"),
        human=False,
        capabilities=frozenset({"prove"}),
    )
    trust = TrustRoot("origin/main", "0" * 40, (key,))
    with tempfile.TemporaryDirectory() as folder:
        workspace = repository(Path(folder) / "repository")
        data = envelopes(workspace, signer)
        parsed = [Envelope.parse(one) for one in data]
        signed = [(pae(e.payload_type, e.payload), e.signatures[0].sig) for e in parsed]
        public = private.public_key()

        def bare() -> None:
            for message, sig in signed:
                public.verify(sig, message)

        def verify() -> None:
            verifier = Verifier(workspace.loaded.snapshot, trust, NOW)
            for one in data:
                found = verifier.verify(Envelope.parse(one))
                if found.state != "valid":
                    raise RuntimeError(found)

        took: dict[str, list[float]] = {"bare": [], "verify": []}
        for _ in range(ROUNDS):
            took["bare"].append(seconds(bare))
            took["verify"].append(seconds(verify))
    bare_median, verify_median = map(statistics.median, took.values())
    size = sum(map(len, data)) / len(data)
    print(f"{len(data)} statements of {size:.0f} bytes each, {PROOFS} proofs")
    print(f"bare Ed25519     {bare_median * 1000:7.1f} ms")
    print(
        f"verified whole   {verify_median * 1000:7.1f} ms   {verify_median / bare_median:.1f} times"
    )


if __name__ == "__main__":
    run()
