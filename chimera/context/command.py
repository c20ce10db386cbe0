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
    outputs: its head is kept, the rest is read and dropped. The last three hold for the command
    and all of its descendants together (resident memory, in which what several share counts for
    each), are looked at a few times a second, and need a /proc.
    """

    cpu_seconds: int | None = None
    memory_bytes: int | None = None
    file_bytes: int | None = None
    output_bytes: int = 16 * 1024 * 1024
    total_cpu_seconds: float | None = None
    total_memory_bytes: int | None = None
    processes: int | None = None


@dataclass(frozen=True, slots=True)
class Isolation:
    """Which walls stand between a command and the rest of the machine.

    `network`: it reaches nothing but itself. `files`: it can write to nothing but the folders it
    was given, and others' temporary files and sockets are out of its sight. `processes`: it sees
    and signals no process but its own.
    """

    network: bool = False
    files: bool = False
    processes: bool = False

    @staticmethod
    def whole() -> Isolation:
        """Return all of it."""
        return Isolation(network=True, files=True, processes=True)

    def __and__(self, other: Isolation) -> Isolation:
        """Return what holds in both."""
        return Isolation(
            self.network and other.network,
            self.files and other.files,
            self.processes and other.processes,
        )


@dataclass(frozen=True, slots=True)
class Command:
    """A command without a shell.

    `env` is its complete environment: nothing is inherited, and a bare `argv[0]` is looked for
    on `env`'s `PATH`. `timeout` is in seconds. `network=False` takes the network away where the
    kernel allows it. `writable` names the only folders that it may write to, where the kernel
    allows that: it then sees no process but its own, has folders for temporary files to itself,
    and what it leaves running is told. `Completed.isolation` says what held. `cpus` is how many of
    the machine's processors it may use, and `fixed_addresses` has its memory lie at the same
    addresses each time, where the kernel can do so. What may hold secrets (`env`, `stdin`) is left
    out of its representation.
    """

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    stdin: bytes = field(default=b"", repr=False)
    timeout: float | None = None
    limits: Limits = Limits()
    network: bool = True
    writable: tuple[Path, ...] | None = None
    umask: int = 0o022
    cpus: int | None = None
    fixed_addresses: bool = False


@dataclass(frozen=True, slots=True)
class Completed:
    """How a command ended; a negative `returncode` is the signal that ended it.

    `seconds` ends with the command itself. One that timed out and was told to end may still have
    returned 0: look at `timed_out` first. `limit` names what it had used up where that ended it:
    `cpu`, `memory` or `processes`. `leftovers` are the command lines of what it left running and
    was then ended: none are told without `Command.writable`.
    """

    returncode: int
    stdout: bytes
    stderr: bytes
    timed_out: bool
    truncated: bool
    isolation: Isolation
    seconds: float
    limit: str | None = None
    leftovers: tuple[str, ...] = ()
