"""What is run and what came of it, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """What one command may use; `None` leaves what the machine allows.

    `cpu_seconds`, `memory_bytes` (address space; not enforced by macOS) and `file_bytes` (largest
    file written) hold for each process by itself. `output_bytes` holds for each of the two
    outputs: its head is kept, the rest is read and dropped.
    """

    cpu_seconds: int | None = None
    memory_bytes: int | None = None
    file_bytes: int | None = None
    output_bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Command:
    """A command without a shell.

    `env` is its complete environment: nothing is inherited, and a bare `argv[0]` is looked for
    on `env`'s `PATH`. `timeout` is in seconds. `network=False` takes the network away where the
    kernel allows it; `Completed.network_isolated` says whether it did. `cpus` is how many of the
    machine's processors it may use, where the kernel can say so. What may hold secrets (`env`,
    `stdin`) is left out of its representation.
    """

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    stdin: bytes = field(default=b"", repr=False)
    timeout: float | None = None
    limits: Limits = Limits()
    network: bool = True
    umask: int = 0o022
    cpus: int | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """How a command ended; a negative `returncode` is the signal that ended it.

    `seconds` ends with the command itself. One that timed out and was told to end may still have
    returned 0: look at `timed_out` first.
    """

    returncode: int
    stdout: bytes
    stderr: bytes
    timed_out: bool
    truncated: bool
    network_isolated: bool
    seconds: float
