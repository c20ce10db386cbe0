"""From a fitness expression to a compiled function that the kernels call."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from chimera.builtin.evolution.fitness.generating import ENTRY, module_name, source_of
from chimera.builtin.evolution.fitness.tree import Node
from chimera.builtin.evolution.kernels import portable
from chimera.builtin.evolution.kernels.compiling import kernel
from chimera.builtin.evolution.kernels.evaluating import FITNESS_SIGNATURE

FITNESS_WORDS = {
    **{
        name: getattr(portable, name)
        for name in ("cos", "exp", "larger", "log", "power", "sin", "smaller")
    },
    **{name: getattr(np, name) for name in ("ceil", "floor", "sqrt")},
}
"""What the source of a fitness can name besides Python's own abs, float and range."""


@lru_cache(maxsize=64)
def compile_fitness(tree: Node) -> Any:
    """Compile a fitness expression, or load what an earlier process compiled from an equal one."""
    source = source_of(tree)
    name = module_name(source)
    module = dict(FITNESS_WORDS, __name__=name)
    exec(compile(source, f"{name}.py", "exec"), module)  # noqa: S102 - our own source, see `generating`
    return kernel(FITNESS_SIGNATURE)(module[ENTRY])
