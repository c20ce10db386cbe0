"""The gate: obligations and verdicts weighed into a ruling; the sole maker of a permit.

Refuses to run anything: it looks at what is shown to it and fails closed.
"""

from typing import TYPE_CHECKING

from chimera.model.lazily import import_lazily

if TYPE_CHECKING:
    from chimera.gate.approvals import ANYBODY, disqualification, human_signers
    from chimera.gate.halts import Halt
    from chimera.gate.identities import narrowed, trust_root
    from chimera.gate.kinds import (
        ApprovalSpec,
        DecisionSpec,
        EnvironmentSpec,
        GateSpec,
        IdentitySpec,
        RoleSpec,
    )
    from chimera.gate.recorded import RecordedRuling, ruling_from_json, ruling_to_json
    from chimera.gate.ruling import (
        STAGES,
        Permit,
        RefusedError,
        Ruling,
        Stage,
        StageRuling,
        permit,
    )
    from chimera.gate.signed import approval_digest, approved_item, signed_content
    from chimera.gate.stages import ESSENTIAL_REVIEWERS, Hearing, HearingError, weigh
    from chimera.gate.verdicts import unread
    from chimera.gate.weighing import Author, Side, Weighing, environments

__all__ = [
    "ANYBODY",
    "ESSENTIAL_REVIEWERS",
    "STAGES",
    "ApprovalSpec",
    "Author",
    "DecisionSpec",
    "EnvironmentSpec",
    "GateSpec",
    "Halt",
    "Hearing",
    "HearingError",
    "IdentitySpec",
    "Permit",
    "RecordedRuling",
    "RefusedError",
    "RoleSpec",
    "Ruling",
    "Side",
    "Stage",
    "StageRuling",
    "Weighing",
    "approval_digest",
    "approved_item",
    "disqualification",
    "environments",
    "human_signers",
    "narrowed",
    "permit",
    "ruling_from_json",
    "ruling_to_json",
    "signed_content",
    "trust_root",
    "unread",
    "weigh",
]

import_lazily(
    __name__,
    {
        ".approvals": "ANYBODY disqualification human_signers",
        ".halts": "Halt",
        ".identities": "narrowed trust_root",
        ".kinds": "ApprovalSpec DecisionSpec EnvironmentSpec GateSpec IdentitySpec RoleSpec",
        ".recorded": "RecordedRuling ruling_from_json ruling_to_json",
        ".ruling": "STAGES Permit RefusedError Ruling Stage StageRuling permit",
        ".signed": "approval_digest approved_item signed_content",
        ".stages": "ESSENTIAL_REVIEWERS Hearing HearingError weigh",
        ".verdicts": "unread",
        ".weighing": "Author Side Weighing environments",
    },
)
