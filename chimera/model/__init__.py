"""Plain values that every floor speaks in: no I/O, no clock, nothing above the standard library
but canonical JSON. Refuses behaviour that belongs to a room.
"""

from chimera.model.actor import Actor
from chimera.model.address import KIND_PATTERN, NAME_PATTERN, Address, PathSet, Target, parse_target
from chimera.model.change import (
    Action,
    Category,
    Change,
    Obligation,
    ObligationKind,
    Placement,
    Touch,
    is_dormant,
)
from chimera.model.diagnostic import (
    Diagnostic,
    Place,
    Related,
    Route,
    Segment,
    Severity,
    Span,
    has_errors,
    in_order,
)
from chimera.model.digest import (
    Digest,
    canonical_json,
    digest_bytes,
    digest_chunks,
    digest_json,
    digest_paths,
)
from chimera.model.errors import (
    ChimeraError,
    GateError,
    GitError,
    RefError,
    StaleError,
    StateError,
    UsageError,
)
from chimera.model.outcome import Outcome
from chimera.model.result import Result
from chimera.model.trust import Capability, TrustedKey, TrustRoot
from chimera.model.verdict import Finding, RuleAction, Verdict

__all__ = [
    "KIND_PATTERN",
    "NAME_PATTERN",
    "Action",
    "Actor",
    "Address",
    "Capability",
    "Category",
    "Change",
    "ChimeraError",
    "Diagnostic",
    "Digest",
    "Finding",
    "GateError",
    "GitError",
    "Obligation",
    "ObligationKind",
    "Outcome",
    "PathSet",
    "Place",
    "Placement",
    "RefError",
    "Related",
    "Result",
    "Route",
    "RuleAction",
    "Segment",
    "Severity",
    "Span",
    "StaleError",
    "StateError",
    "Target",
    "Touch",
    "TrustRoot",
    "TrustedKey",
    "UsageError",
    "Verdict",
    "canonical_json",
    "digest_bytes",
    "digest_chunks",
    "digest_json",
    "digest_paths",
    "has_errors",
    "in_order",
    "is_dormant",
    "parse_target",
]
