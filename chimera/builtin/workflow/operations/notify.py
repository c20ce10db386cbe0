"""The operation `notify`: tells somebody something, by a program, a webhook or a file.

What is told is one JSON object everywhere, and always a line in the run's log. Refuses to call
somebody told who could not be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Literal

from chimera.builtin.workflow.operations import command, file, http
from chimera.builtin.workflow.operations.tree import OutPath
from chimera.kinds import Duration, Field, Items, Model, Text
from chimera.model import canonical_json
from chimera.runtime import Operation, OperationCall

Severity = Literal["low", "medium", "high", "critical"]


class NotifyInputs(Model):
    """Who is told what, and how.

    A program gets the notice on its standard input, a webhook as the body of a POST that carries
    the idempotency key, a file as one more line. Without any of them it is only logged.
    """

    message: Text = Field(description="What is told.")
    severity: Severity = Field(default="medium", description="How much it matters.")
    to: Text = Field(default="administrator", description="Who is told, for whoever delivers it.")
    details: Any = Field(default=None, description="What else there is to know, as JSON.")
    argv: Items[str] = Field(
        default=(), description="Program that delivers it, with its arguments."
    )
    env: dict[command.VariableName, str] = Field(
        default_factory=dict, description="Variables that the program gets; put secrets here."
    )
    url: http.Url | None = Field(default=None, description="Webhook that it is posted to.")
    headers: dict[http.HeaderName, http.HeaderValue] = Field(
        default_factory=dict, description="Headers of the post; put ${secret.name} here."
    )
    file: OutPath | None = Field(
        default=None, description="File below .chimera/out that gets a line of JSON."
    )
    timeout: Duration = Field(
        default=timedelta(seconds=30), description="Longest time that the webhook may take."
    )


class NotifyOutputs(Model):
    """How it was told."""

    channels: Annotated[Items[Literal["command", "http", "file", "log"]], Field(min_length=1)] = (
        Field(description="Ways by which it was told.")
    )


def run(call: OperationCall[NotifyInputs]) -> Mapping[str, Any]:
    """Tell it every way that was asked for; a way that fails fails the operation."""
    inputs = call.inputs
    call.log(f"[{inputs.severity}] to {inputs.to}: {inputs.message}")
    notice = {
        "key": call.key,
        "to": inputs.to,
        "severity": inputs.severity,
        "message": inputs.message,
        "details": inputs.details,
        "time": call.now.isoformat(),
    }
    text = canonical_json(notice).decode()
    channels = ["log"]
    if inputs.file is not None:  # first what can hardly fail: an attempt may be made again
        file.append(_with(call, file.WriteInputs(path=inputs.file, content=f"{text}\n")))
        channels.append("file")
    if inputs.argv:
        given = command.CommandInputs(argv=inputs.argv, env=inputs.env, stdin=text)
        command.run(_with(call, given))
        channels.append("command")
    if inputs.url is not None:
        http.send(
            _with(
                call,
                http.SendInputs(
                    url=inputs.url,
                    headers=inputs.headers,
                    json=notice,
                    timeout=inputs.timeout,
                ),
            )
        )
        channels.append("http")
    return {"channels": channels}


def _with(call: OperationCall[NotifyInputs], inputs: Any) -> OperationCall[Any]:
    other: OperationCall[Any] = replace(call, inputs=inputs)
    return other


OPERATIONS = (
    Operation(
        name="notify",
        summary="Tell somebody something, by a program, a webhook or a file.",
        inputs=NotifyInputs,
        outputs=NotifyOutputs,
        run=run,
    ),
)
