"""Children that run engines which nobody can interrupt: how they start, and what they may use.

Refuses to let one import anything but the standard library and the package of its engine.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from chimera.context import Command, Limits, base_environment
from chimera.model import ChimeraError

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a child may use: seconds for one answer, memory, and how many children may be lost."""

    seconds: float = 5.0
    memory_bytes: int = 512 * MEBIBYTE
    losses: int = 3


def isolated(script: Path, package: str, memory_bytes: int) -> Command:
    """Return the command that runs `script` alone with one package, in bounded memory."""
    argv = (sys.executable, "-I", "-S", str(script), _site_packages(package))
    limits = Limits(memory_bytes=memory_bytes)
    return Command(argv, cwd=script.parent, env=base_environment(), limits=limits)


@cache
def _site_packages(package: str) -> str:
    """Return the folder that a package stands in, without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        distribution = package.replace("_", "-")
        raise ChimeraError(
            f"the package {distribution} is not installed", help=f"install {distribution}"
        )
    return str(Path(next(iter(spec.submodule_search_locations))).parent)
