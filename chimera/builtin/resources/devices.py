"""What the driver says of the GPUs that are here, by its own tool.

Names and memory inform people. Refuses to count by them: a GPU is there when its device file is.
"""

from __future__ import annotations

from pathlib import Path

from chimera.context import Command, Context, base_environment
from chimera.model import ChimeraError
from chimera.state import Json

_ASK = ("nvidia-smi", "--query-gpu=index,name,memory.total", "--format=csv,noheader,nounits")


def describe_gpus(context: Context) -> list[Json]:
    """Return index, name and memory in bytes of each GPU; none where the driver cannot be asked."""
    command = Command(_ASK, cwd=Path("/"), env=base_environment(), timeout=30.0)
    try:
        done = context.processes.run(command)
    except ChimeraError:  # a container may have the devices, and not the tool
        return []
    return read_answer(done.stdout.decode(errors="replace")) if done.returncode == 0 else []


def read_answer(text: str) -> list[Json]:
    """Read the tool's lines: index, name, mebibytes."""
    found: list[Json] = []
    for line in text.splitlines():
        index, _, rest = line.partition(",")
        name, _, memory = rest.rpartition(",")
        if index.strip().isdecimal() and memory.strip().isdecimal():
            size = int(memory) * 2**20
            found.append({"index": int(index), "name": name.strip(), "memory": size})
    return found
