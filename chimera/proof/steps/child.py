"""Runs in a step's own process: call one function of the exported code, JSON in and JSON out.

Started by `StepTask.call` as `python -m chimera.proof.steps.child MODULE:FUNCTION IN OUT`. Files
carry the values, so that nothing the function prints can be mistaken for its answer.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from chimera.model import ChimeraError


def main(target: str, asked: str, answered: str) -> int:
    """Call `target` and write its answer; a `ChimeraError` is told with its help."""
    module, _, name = target.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
        answer = function(json.loads(Path(asked).read_text(encoding="utf-8")))
    except ChimeraError as error:
        sys.stderr.write("; ".join(filter(None, (error.message, error.help))) + "\n")
        return 1
    Path(answered).write_text(json.dumps(answer), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
