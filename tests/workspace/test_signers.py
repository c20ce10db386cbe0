"""The file of allowed signers that a workspace writes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from chimera.workspace.evidence import Evidence
from tests.gate.signing import trust


def test_no_automation_is_an_allowed_signer_of_approvals() -> None:
    evidence = Evidence(cast("Any", SimpleNamespace()))
    vars(evidence)["trust"] = trust()
    principals = [line.split()[0] for line in evidence.signers().splitlines()]
    assert principals == ["Identity/ann", "Identity/bob"]
