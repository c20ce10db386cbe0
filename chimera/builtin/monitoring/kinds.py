"""The kind Alert: a measure, a threshold, and how bad it is to be past it."""

from __future__ import annotations

from typing import Annotated, Literal

from chimera.kinds import Field, Model, Text
from chimera.runtime.recovery.words import Severity

Measure = Literal[
    "activeWorkflows",
    "completedWorkflows",
    "failedWorkflows",
    "failedWorkflowShare",
    "averageWorkflowDuration",
    "interruptedRuns",
    "unhealthyModules",
    "cpuUsage",
    "memoryUsage",
    "networkLatency",
    "storageUsage",
]
"""What `chimera metrics -o json` shows; durations in seconds, usage as a share from 0 to 1."""

Threshold = Annotated[float, Field(strict=False, allow_inf_nan=False)]


class AlertSpec(Model):
    """A threshold that `chimera health` tells of when a measure is past it."""

    measure: Measure = Field(
        description="What is measured: shares and usage from 0 to 1, durations in seconds."
    )
    threshold: Threshold = Field(description="What the measure is compared with.")
    when: Literal["above", "below"] = Field(
        default="above",
        description="On which side of the threshold it is told of, for as long as it is there.",
    )
    severity: Severity = Field(
        default="high",
        description="How bad it is: low and medium make health degraded, the others unhealthy.",
    )
    message: Text = Field(description="What it means and what to do, for whoever is told.")
