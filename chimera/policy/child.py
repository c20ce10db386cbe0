"""What the child that evaluates is started with: `python -I -S child.py SITE-PACKAGES`.

Makes the evaluator's modules importable, and nothing else of Chimera: `chimera` and
`chimera.policy` are empty here, so the child starts in milliseconds and has no more than it needs.
"""

from __future__ import annotations

import os.path
import sys
from types import ModuleType


def _open(name: str, folder: str) -> None:
    """Let the modules of a package be imported without the package itself."""
    package = ModuleType(name)
    package.__path__ = [folder]
    sys.modules[name] = package


if __name__ == "__main__":
    room = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib takes 7 ms
    _open("chimera", os.path.dirname(room))  # noqa: PTH120
    _open("chimera.policy", room)
    sys.path.append(sys.argv[1])

    from chimera.policy.evaluator import main

    main()
