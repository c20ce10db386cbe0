"""A Python fitness compiled by numba into the search's own loop, as an expression is.

The function gets the genes of a row as float64[D] and returns a number; one that raises gives NaN,
and an index outside of an array raises. It is compiled once: the name of what is compiled follows
from all sources and from all values that numba makes constants of. Refuses what numba cannot type,
and says why. The result is the same on this platform alone, as far as anybody can tell.
"""

from __future__ import annotations

import hashlib
import importlib
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from chimera.builtin.evolution.fitness.compile import FITNESS_WORDS, plain_function
from chimera.builtin.evolution.fitness.generating import source_of
from chimera.builtin.evolution.fitness.outside.modules import digest_of
from chimera.builtin.evolution.fitness.outside.worker import function_of, said_of
from chimera.builtin.evolution.fitness.tree import Number
from chimera.builtin.evolution.kernels.compiling import inner, kernel
from chimera.builtin.evolution.kernels.evaluating import (
    FITNESS_SIGNATURE,
    INFEASIBLE,
    PACKED_FITNESS_SIGNATURE,
)
from chimera.runtime import PermanentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chimera.builtin.evolution.fitness.generating import Form
    from chimera.builtin.evolution.fitness.tree import Node
    from chimera.builtin.evolution.spec.fitness import PythonFitness
    from chimera.builtin.evolution.spec.genes import Gene

_SIGNATURES: dict[Form, Any] = {
    "fitness": FITNESS_SIGNATURE,
    "packed": PACKED_FITNESS_SIGNATURE,
}


def compile_python(
    fitness: PythonFitness,
    root: Path,
    genes: Sequence[Gene],
    violations: Sequence[Node] = (),
    form: Form = "fitness",
) -> Any:
    """Return the function compiled for rows of one form, as `kernels.evaluating` says.

    Rows that violate constraints get what says so, and are not computed. Raises `PermanentError`
    where the module cannot be imported, and where numba cannot compile the function.
    """
    digest = digest_of(root, fitness.module)
    function = _plain(_imported(fitness, root), fitness)
    frozen = hashlib.sha256(b"\0".join(_frozen(function, root, set()))).hexdigest()
    constraints = source_of(form, (Number(0.0),), violations)
    text = _source(genes, form, constrained=bool(violations))
    key = "\0".join((digest, fitness.function, frozen, text, constraints.text))
    name = f"fitness_{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    called = numba.njit(error_model="numpy", boundscheck=True, nogil=True)(function)
    words: dict[str, Any] = {
        **FITNESS_WORDS,
        "np": np,
        "nan": math.nan,
        "INFEASIBLE": INFEASIBLE,
        "called": called,
        "constrain": inner(plain_function(constraints)) if violations else None,
        "__name__": name,
    }
    exec(compile(text, f"{name}.py", "exec"), words)  # noqa: S102 - our own source, see `_source`
    try:
        return kernel(_SIGNATURES[form])(words[form])
    except Exception as error:  # numba raises what it likes
        raise _refusal(called, fitness, error) from error


def _source(genes: Sequence[Gene], form: Form, *, constrained: bool) -> str:
    """Return the loop over rows, by the places of genes alone.

    A function gets a copy of its row: it may write to it, and that is no part of the search.
    """
    width, logs = 0, []
    for gene in genes:
        if gene.type == "real" and gene.scale == "log":
            logs.append((width, width + gene.length, gene.min, gene.max))
        width += gene.length
    lines = [f"def {form}(population, first, last, values):"]
    if constrained:
        lines.append("    constrain(population, first, last, values)")
    lines.append(f"    genes = np.empty({width})")
    lines.append("    for row in range(first, last):")
    if constrained:
        lines += ["        if not values[row] < INFEASIBLE:", "            continue"]
    if form == "packed":
        lines += [
            f"        for j in range({width}):",
            "            word = population[row, j >> 6]",
            "            genes[j] = float((word >> np.uint64(j & 63)) & np.uint64(1))",
        ]
    else:
        lines += [f"        for j in range({width}):", "            genes[j] = population[row, j]"]
    for start, end, low, high in logs:
        bounded = f"larger({low!r}, smaller({high!r}, exp(genes[j])))"
        lines += [f"        for j in range({start}, {end}):", f"            genes[j] = {bounded}"]
    lines += [
        "        try:",
        "            values[row] = called(genes)",
        "        except Exception:",
        "            values[row] = nan",
        "",
    ]
    return "\n".join(lines)


def _imported(fitness: PythonFitness, root: Path) -> Callable[..., Any]:
    """Import the module into this process, and leave nothing of the tree behind for others."""
    paths, before = list(sys.path), set(sys.modules)
    try:
        return function_of(root, fitness.module, fitness.function)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise PermanentError(
            f"{fitness.module} cannot be used: {said_of(error)}",
            help=f"it needs a function {fitness.function} that gets the genes as one array",
        ) from error
    finally:
        sys.path[:] = paths
        for name in set(sys.modules) - before:
            if _is_below(getattr(sys.modules[name], "__file__", None), root):
                del sys.modules[name]
        importlib.invalidate_caches()


def _plain(function: Any, fitness: PythonFitness) -> FunctionType:
    """Return the function as Python has it, also of one that its author had numba compile."""
    plain = getattr(function, "py_func", function)
    if not isinstance(plain, FunctionType):
        raise PermanentError(
            f"{fitness.function} of {fitness.module} is no function, and cannot be compiled",
            help="write it with `def`",
        )
    return plain


def _frozen(value: Any, root: Path, seen: set[int]) -> Iterator[bytes]:
    """Yield what numba makes constants of: values that sources do not tell, such as a file's."""
    plain = getattr(value, "py_func", value)
    if isinstance(plain, (np.ndarray, np.generic)):
        yield f"{plain.dtype} {plain.shape}".encode() + np.ascontiguousarray(plain).tobytes()
    elif isinstance(plain, (bool, int, float, complex, str, bytes, type(None))):
        yield repr(plain).encode()
    elif isinstance(plain, (tuple, list)):
        for item in plain:
            yield from _frozen(item, root, seen)
    elif id(plain) not in seen:
        seen.add(id(plain))
        if isinstance(plain, ModuleType) and _is_below(plain.__file__, root):
            names = [name for name in vars(plain) if not name.startswith("__")]
            yield from _frozen_names(names, vars(plain), root, seen)
        elif isinstance(plain, FunctionType) and _is_below(plain.__code__.co_filename, root):
            yield from _frozen_names(plain.__code__.co_names, plain.__globals__, root, seen)
            for cell in plain.__closure__ or ():
                yield from _frozen(cell.cell_contents, root, seen)


def _frozen_names(
    names: Sequence[str], known: dict[str, Any], root: Path, seen: set[int]
) -> Iterator[bytes]:
    for name in sorted(names):
        if name in known:
            yield name.encode()
            yield from _frozen(known[name], root, seen)


def _is_below(file: str | None, root: Path) -> bool:
    return file is not None and Path(file).is_relative_to(root)


def _refusal(called: Any, fitness: PythonFitness, error: Exception) -> PermanentError:
    """Return why numba could not compile the function, in its words about the function alone."""
    said = error
    try:
        called.compile((numba.types.float64[::1],))
        given = called.overloads[(numba.types.float64[::1],)].signature.return_type
        if not isinstance(given, (numba.types.Float, numba.types.Integer)):
            said = TypeError(f"it returns {given}, and a fitness is a number")
    except Exception as raised:  # noqa: BLE001 - numba raises what it likes
        said = raised
    lines = [line.strip() for line in str(said).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Failed in", "During:", "File "))]
    return PermanentError(
        f"{fitness.function} of {fitness.module} cannot be compiled: "
        + "; ".join((told or lines or ["numba does not say why"])[:2])[:500],
        help="numba compiles numbers and arrays; decorate functions that it calls with numba.njit,"
        " or leave out `compiled`",
    )
