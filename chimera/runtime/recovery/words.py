"""The words of recovery that stand in documents, each in one place.

Types alone, so that the models of documents cost no more than they say. Refuses to mean anything:
that is `deciding`'s and `retrying`'s.
"""

from __future__ import annotations

from typing import Literal

Backoff = Literal["exponential", "linear", "fixed"]
"""How a wait grows from attempt to attempt."""

Severity = Literal["low", "medium", "high", "critical"]
"""How grave a failure is for whoever is told of it."""

FailureCondition = Literal[
    "cache_available",
    "non_critical_operation",
    "max_retries_exceeded",
    "not_retryable",
    "given_up",
    "workflow_error",
    "module_error",
    "communication_error",
    "resource_error",
    "validation_error",
    "system_error",
]
"""What fallbacks and escalations depend on: of the step, of the decision, and the category."""
