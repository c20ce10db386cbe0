"""What one command of a proof may use, as its author writes it.

The limits hold for a command and all that it starts, together. Refuses to leave one out: a proof
that runs away must end by itself, wherever it is run.
"""

from __future__ import annotations

from typing import Annotated

from chimera.context import Limits
from chimera.kinds import Duration, Field, Model, StringConstraints, format_duration, parse_duration

_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

Size = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,5}(KiB|MiB|GiB)$")]
"""A number of bytes: `512KiB`, `64MiB`, `2GiB`."""


class ProofLimits(Model):
    """What each command of a step may use, with all that it starts; passing one fails the proof."""

    cpu: Duration = Field(
        default=parse_duration("1h"), description="Processor time of all its processes together."
    )
    memory: Size = Field(
        default="4GiB",
        description="Memory of all its processes together; what they share counts for each.",
    )
    processes: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=512, description="How many processes it may start that run at the same time."
    )
    output: Size = Field(
        default="16MiB", description="What it may write on standard output, and on standard error."
    )
    file: Size = Field(default="1GiB", description="The largest file that it may write.")

    def bounds(self) -> Limits:
        """Return the limits as processes are given them."""
        return Limits(
            file_bytes=_bytes(self.file),
            output_bytes=_bytes(self.output),
            total_cpu_seconds=self.cpu.total_seconds(),
            total_memory_bytes=_bytes(self.memory),
            processes=self.processes,
        )

    def passed(self, name: str) -> str:
        """Say which limit was passed: `memory limit 2GiB`."""
        value = getattr(self, name)
        return f"{name} limit {format_duration(value) if name == 'cpu' else value}"


def _bytes(size: str) -> int:
    return int(size[:-3]) * _UNITS[size[-3:]]
