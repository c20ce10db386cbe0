"""From fitness expressions to compiled functions that the kernels call."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from chimera.builtin.evolution.fitness.generating import Constant, Form, Source, source_of
from chimera.builtin.evolution.fitness.tree import Node, Table
from chimera.builtin.evolution.kernels import packed, portable
from chimera.builtin.evolution.kernels.compiling import kernel
from chimera.builtin.evolution.kernels.evaluating import (
    FITNESS_SIGNATURE,
    INFEASIBLE,
    OBJECTIVES_SIGNATURE,
    PACKED_FITNESS_SIGNATURE,
)

FITNESS_WORDS = {
    **{
        name: getattr(portable, name)
        for name in ("cos", "exp", "larger", "log", "power", "sin", "smaller")
    },
    **{name: getattr(np, name) for name in ("ceil", "empty", "floor", "sqrt")},
    "float": np.float64,
    "INFEASIBLE": INFEASIBLE,
}
"""What the source of a fitness can name besides Python's own abs, int and range."""

_LEADING: dict[Form, Any] = {
    "fitness": packed.leading_ones_of_numbers,
    "objectives": packed.leading_ones_of_numbers,
    "packed": packed.leading_ones,
}
_PACKED_WORDS = {name: getattr(packed, name) for name in ("all_ones", "bit", "ones", "weigh")}
_SIGNATURES: dict[Form, Any] = {
    "fitness": FITNESS_SIGNATURE,
    "packed": PACKED_FITNESS_SIGNATURE,
    "objectives": OBJECTIVES_SIGNATURE,
}


def compile_fitness(tree: Node, violations: Sequence[Node] = ()) -> Any:
    """Compile a fitness over rows of numbers, as `evaluating.FITNESS_SIGNATURE` says."""
    return _compiled("fitness", (tree,), tuple(violations))


def compile_packed(tree: Node, violations: Sequence[Node] = ()) -> Any:
    """Compile a fitness over rows of packed bits, as `PACKED_FITNESS_SIGNATURE` says."""
    return _compiled("packed", (tree,), tuple(violations))


def compile_objectives(trees: Sequence[Node], violations: Sequence[Node] = ()) -> Any:
    """Compile several objectives over rows of numbers, as `OBJECTIVES_SIGNATURE` says."""
    return _compiled("objectives", tuple(trees), tuple(violations))


@lru_cache(maxsize=64)
def _compiled(form: Form, trees: tuple[Node, ...], violations: tuple[Node, ...]) -> Any:
    """Compile, or load what an earlier process compiled from an equal source."""
    source = source_of(form, trees, violations)
    return kernel(_SIGNATURES[form])(plain_function(source))


def plain_function(source: Source) -> Any:
    """Return the function of a source as Python has it, with all that it names."""
    words = FITNESS_WORDS | {"leading_ones": _LEADING[source.form]}
    if source.form == "packed":
        words |= _PACKED_WORDS
    bound = {f"p{i}": _array(each) for i, each in enumerate(source.constants, 1)}
    module: dict[str, Any] = {**words, **bound, "__name__": source.name}
    exec(compile(source.text, f"{source.name}.py", "exec"), module)  # noqa: S102 - our own source, see `generating`
    return module[source.form]


def _array(constant: Constant) -> Any:
    """Return what a name in a source stands for."""
    if isinstance(constant, Table):
        return np.frombuffer(constant.data, "<f8").reshape(constant.shape).astype(np.float64)
    weights = _array(constant.table)[constant.offset : constant.offset + constant.count]
    return packed.padded_weights(weights, constant.start)
