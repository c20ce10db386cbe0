"""The operation `publish`: an event that others wait for, or that starts workflows.

It is kept with the stage's result and delivered after that is on disk: a stage that fails has
published nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from chimera.kinds import Field, Model, StringConstraints
from chimera.runtime import Operation, OperationCall


class PublishInputs(Model):
    """What is published."""

    topic: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")] = (
        Field(
            max_length=256,
            description="Topic, in words that dots separate; a workflow with trigger: event waits "
            "for it by this name.",
        )
    )
    payload: Any = Field(default=None, description="What the event says, as JSON.")


class PublishOutputs(Model):
    """What was published."""

    topic: str = Field(description="The topic.")


def run(call: OperationCall[PublishInputs]) -> Mapping[str, Any]:
    """Publish the event, once the stage has finished."""
    call.publish(call.inputs.topic, call.inputs.payload)
    return {"topic": call.inputs.topic}


OPERATIONS = (
    Operation(
        name="publish",
        summary="Publish an event, which other workflows may wait for.",
        inputs=PublishInputs,
        outputs=PublishOutputs,
        run=run,
    ),
)
