"""What evidence says: the statement of one proving, and the record that names it.

Everything that another proving of the same content would repeat is the core; the rest (when, by
whom, how long, from which commit) stands under `volatile`. Refuses secrets: they are masked.
"""

from __future__ import annotations

import contextlib
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import Any

from chimera.context import Context, variable_marks
from chimera.kinds import Document, Snapshot
from chimera.model import Address, Digest, Finding, digest_json
from chimera.proof.evidence.store import PREDICATE_TYPE, STATEMENT_TYPE, Statement
from chimera.proof.inputs import ContentSubject, engine_digest
from chimera.proof.kinds import ProofSpec
from chimera.proof.report import ProofReport, RunReport
from chimera.proof.running.normalizers import normalizer_json

_LOCK_FILES = ("pylock.toml", "uv.lock", "poetry.lock", "Pipfile.lock", "requirements.txt")
_SIMULATED = "simulated"
_NOT_EXERCISED = ("skipped", _SIMULATED)
_PASSING = ("passed", "pass", "xfailed")


def build_statement(
    proof: Document[ProofSpec],
    report: ProofReport,
    subjects: Iterable[ContentSubject],
    snapshot: Snapshot,
    context: Context,
    environment: str,
    plugins: Sequence[str],
) -> Statement:
    """Return the in-toto statement of a report, ready to be stored."""
    names = _outcome_names(report)
    predicate: dict[str, Any] = {
        "result": "PASSED" if report.finding is Finding.PASS else "FAILED",
        "configuration": _configuration(proof, snapshot, plugins),
        "passedTests": names[0],
        "warnedTests": [],
        "failedTests": names[1],
        "proof": str(proof.address),
        "acceptsEngine": proof.spec.engine,
        "claim": proof.spec.claim,
        "finding": report.finding.value,
        "reasons": list(report.reasons),
        "exercised": report.exercised,
        "repetitions": len(report.repetitions),
        "controls": [{"mutation": c.label, "finding": c.finding.value} for c in report.controls],
        "simulated": _simulated(report.repetitions),
        "artifacts": _artifacts(report.repetitions),
        "normalizers": [
            {"paths": artifact.paths, "apply": [normalizer_json(n) for n in artifact.normalize]}
            for artifact in proof.spec.artifacts
            if artifact.normalize
        ],
        "environment": {
            "allowed": sorted(proof.spec.environment.allow),
            "values": variable_marks(proof.spec.environment.allow),
            "set": dict(sorted(proof.spec.environment.set.items())),
        },
        "volatile": _volatile(report, snapshot, context, environment),
    }
    masked: Statement = context.secrets.mask_json(
        {
            "_type": STATEMENT_TYPE,
            "subject": [_resource(subject.name, subject.digest) for subject in subjects],
            "predicateType": PREDICATE_TYPE,
            "predicate": predicate,
        }
    )
    return masked


def record_of(statement: Statement, evidence: Digest) -> tuple[str, Mapping[str, Any]]:
    """Return the name and the spec of the `ReleaseProof` for a stored statement."""
    predicate = statement["predicate"]
    volatile = predicate["volatile"]
    address = Address.parse(predicate["proof"])
    spec: dict[str, Any] = {
        "proof": str(address),
        "verdict": predicate["finding"],
        "evidence": evidence,
        "subjects": [
            {"name": s["name"], "digest": f"sha256:{s['digest']['sha256']}"}
            for s in statement["subject"]
        ],
        "environment": volatile["environment"],
        "at": volatile["at"],
        "engine": engine_digest(),
    }
    if volatile["revision"] is not None:
        spec["revision"] = volatile["revision"]
    if predicate["reasons"]:
        spec["reasons"] = predicate["reasons"]
    return f"{address.name[:100]}-{evidence.removeprefix('sha256:')[:12]}", spec


def _configuration(
    proof: Document[ProofSpec], snapshot: Snapshot, plugins: Sequence[str]
) -> list[dict[str, Any]]:
    python = {
        "implementation": platform.python_implementation(),
        "version": platform.python_version(),
    }
    packages = _packages()
    return [
        _resource(str(proof.address), proof.digest),
        _resource("engine", engine_digest()),
        _described("interpreter", python),
        {**_resource("packages", digest_json(packages)), "annotations": {"installed": packages}},
        _described("plugins", {"loaded": sorted(plugins)}),
        *_lock_files(snapshot),
    ]


def _described(name: str, annotations: Mapping[str, Any]) -> dict[str, Any]:
    """Return the descriptor of what is no file: in-toto asks of each for a digest of something."""
    return {**_resource(name, digest_json(annotations)), "annotations": annotations}


def _packages() -> list[str]:
    """Return what is installed beside the interpreter, as `name==version`.

    Reading it takes as long as a small proof: it is read again where a folder that modules are
    imported from has changed.
    """
    found = []
    for folder in sys.path:
        with contextlib.suppress(OSError):
            found.append((folder, Path(folder).stat().st_mtime_ns))
    return list(_installed(tuple(found)))


@cache
def _installed(_: tuple[tuple[str, int], ...]) -> tuple[str, ...]:
    from importlib.metadata import distributions

    return tuple(sorted({f"{d.metadata['Name']}=={d.version}" for d in distributions()}))


def _lock_files(snapshot: Snapshot) -> list[dict[str, Any]]:
    present = {entry.path for entry in snapshot.tree.entries()}
    return [_resource(n, snapshot.tree.digest((n,))) for n in _LOCK_FILES if n in present]


def _volatile(
    report: ProofReport, snapshot: Snapshot, context: Context, environment: str
) -> dict[str, Any]:
    runs = (*report.repetitions, *report.controls)
    return {
        "at": context.clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "actor": {"name": context.actor.name},  # whether a person vouches, a signature says
        "environment": environment,
        "revision": snapshot.tree.revision,
        "platform": {"system": platform.system(), "machine": platform.machine()},
        "byteOrder": sys.byteorder,
        "isolation": asdict(report.isolation),
        "milliseconds": [round(run.seconds * 1000) for run in runs],
    }


def _outcome_names(report: ProofReport) -> tuple[list[str], list[str]]:
    """Return the names that passed in every repetition, and those that did not."""
    passed: dict[str, bool] = {}
    for run in report.repetitions:
        for number, step in enumerate(run.steps, 1):
            for name, outcome in step.outcomes.items():
                key = f"step {number}: {name}"
                if outcome not in _NOT_EXERCISED:
                    passed[key] = passed.get(key, True) and outcome in _PASSING
    return sorted(n for n, ok in passed.items() if ok), sorted(
        n for n, ok in passed.items() if not ok
    )


def _simulated(repetitions: Sequence[RunReport]) -> list[str]:
    """Return what was not done but said, in any repetition."""
    return sorted(
        {
            f"step {number}: {name}"
            for run in repetitions
            for number, step in enumerate(run.steps, 1)
            for name, outcome in step.outcomes.items()
            if outcome == _SIMULATED
        }
    )


def _artifacts(repetitions: Sequence[RunReport]) -> list[dict[str, Any]]:
    first = repetitions[0].artifacts if repetitions else ()
    return [_resource(path, digest) for path, digest in first]


def _resource(name: str, digest: Digest) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}}
