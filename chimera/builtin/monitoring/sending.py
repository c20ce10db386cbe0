"""Sending the traces of runs when they have been executed, where the orchestrator wants it.

Where to is OpenTelemetry's own variable: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or
OTEL_EXPORTER_OTLP_ENDPOINT with `/v1/traces` behind it. Refuses to fail a run: what cannot be sent
is told on standard error, and can be sent later by `chimera runs trace`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from chimera.builtin.monitoring.exporting import export
from chimera.builtin.monitoring.traces import Span, engine_version, spans_of
from chimera.model import ChimeraError
from chimera.state import StateReader


def address(variables: Mapping[str, str]) -> str | None:
    """Return where traces are sent to, by OpenTelemetry's variables."""
    own, base = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
    if variables.get(own):
        return variables[own]
    return f"{variables[base].rstrip('/')}/v1/traces" if variables.get(base) else None


def send(state: StateReader, runs: Sequence[str]) -> None:
    """Send the spans of some runs."""
    url = address(os.environ)
    try:
        if url is None:
            raise ChimeraError("OTEL_EXPORTER_OTLP_ENDPOINT does not say where to")
        export(_spans(state, runs), url, engine_version())
    except ChimeraError as error:
        found = f"run {runs[0]}" if len(runs) == 1 else f"{len(runs)} runs"
        print(f"the trace of {found} was not sent: {error}", file=sys.stderr)


def _spans(state: StateReader, runs: Sequence[str]) -> list[Span]:
    return [span for uid in runs for span in spans_of(state.run(uid), state.events(uid))]
