"""Real problems with constraints and known optima: `python -m tests.quality.constrained`.

Those named g are of Liang et al., Problem definitions and evaluation criteria for the CEC 2006
special session on constrained real-parameter optimization (2006). Pressure vessel and spring are
of Coello, Use of a self-adaptive penalty approach for engineering optimization problems (2000);
the vessel's plates come in sixteenths of an inch, which are integer genes here. All go through the
ladder of costs (Deb 2000). pymoo's GA is run on the same formulas, with its defaults.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.quality.reaching import Known, evaluator, report

_OFTEN = {"auto": 0.85, "cma-es": 0.85, "l-shade": 0.85}
CONTENDERS = ("auto", "cma-es", "l-shade", "genetic")


def _problem(
    name: str,
    bounds: Sequence[tuple[float, float]],
    fitness: str,
    constraints: Sequence[str],
    optimum: float,
    floors: Mapping[str, float],
    integers: int = 0,
    evaluations: int = 100_000,
) -> Known:
    """Return a problem over genes x1 to xn, of which the first ones may be integers."""
    genes: list[dict[str, Any]] = [
        {
            "type": "integer" if i < integers else "real",
            "name": f"x{i + 1}",
            "min": low,
            "max": high,
        }
        for i, (low, high) in enumerate(bounds)
    ]
    met = [{"expression": text, "tolerance": 1e-4} for text in constraints]
    return Known(name, {"genes": genes, "constraints": met}, fitness, optimum, evaluations, floors)


G01 = _problem(
    "g01",
    [(0, 1)] * 9 + [(0, 100)] * 3 + [(0, 1)],
    "5 * (x1 + x2 + x3 + x4) - 5 * (x1 ** 2 + x2 ** 2 + x3 ** 2 + x4 ** 2)"
    " - (x5 + x6 + x7 + x8 + x9 + x10 + x11 + x12 + x13)",
    [
        "2 * x1 + 2 * x2 + x10 + x11 <= 10",
        "2 * x1 + 2 * x3 + x10 + x12 <= 10",
        "2 * x2 + 2 * x3 + x11 + x12 <= 10",
        "x10 <= 8 * x1",
        "x11 <= 8 * x2",
        "x12 <= 8 * x3",
        "x10 <= 2 * x4 + x5",
        "x11 <= 2 * x6 + x7",
        "x12 <= 2 * x8 + x9",
    ],
    -15.0,
    {"auto": 0.7, "l-shade": 0.85, "genetic": 0.7},
)
G04 = _problem(
    "g04",
    [(78, 102), (33, 45), (27, 45), (27, 45), (27, 45)],
    "5.3578547 * x3 ** 2 + 0.8356891 * x1 * x5 + 37.293239 * x1 - 40792.141",
    [
        "0 <= 85.334407 + 0.0056858 * x2 * x5 + 0.0006262 * x1 * x4 - 0.0022053 * x3 * x5 <= 92",
        "90 <= 80.51249 + 0.0071317 * x2 * x5 + 0.0029955 * x1 * x2 + 0.0021813 * x3 ** 2 <= 110",
        "20 <= 9.300961 + 0.0047026 * x3 * x5 + 0.0012547 * x1 * x3 + 0.0019085 * x3 * x4 <= 25",
    ],
    -30665.53867178332,
    _OFTEN | {"genetic": 0.85},
)
G06 = _problem(
    "g06",
    [(13, 100), (0, 100)],
    "(x1 - 10) ** 3 + (x2 - 20) ** 3",
    ["(x1 - 5) ** 2 + (x2 - 5) ** 2 >= 100", "(x1 - 6) ** 2 + (x2 - 5) ** 2 <= 82.81"],
    -6961.81387558015,
    _OFTEN,
)
G07 = _problem(
    "g07",
    [(-10, 10)] * 10,
    "x1 ** 2 + x2 ** 2 + x1 * x2 - 14 * x1 - 16 * x2 + (x3 - 10) ** 2 + 4 * (x4 - 5) ** 2"
    " + (x5 - 3) ** 2 + 2 * (x6 - 1) ** 2 + 5 * x7 ** 2 + 7 * (x8 - 11) ** 2 + 2 * (x9 - 10) ** 2"
    " + (x10 - 7) ** 2 + 45",
    [
        "4 * x1 + 5 * x2 - 3 * x7 + 9 * x8 <= 105",
        "10 * x1 - 8 * x2 - 17 * x7 + 2 * x8 <= 0",
        "-8 * x1 + 2 * x2 + 5 * x9 - 2 * x10 <= 12",
        "3 * (x1 - 2) ** 2 + 4 * (x2 - 3) ** 2 + 2 * x3 ** 2 - 7 * x4 <= 120",
        "5 * x1 ** 2 + 8 * x2 + (x3 - 6) ** 2 - 2 * x4 <= 40",
        "x1 ** 2 + 2 * (x2 - 2) ** 2 - 2 * x1 * x2 + 14 * x5 - 6 * x6 <= 0",
        "0.5 * (x1 - 8) ** 2 + 2 * (x2 - 4) ** 2 + 3 * x5 ** 2 - x6 <= 30",
        "-3 * x1 + 6 * x2 + 12 * (x9 - 8) ** 2 - 7 * x10 <= 0",
    ],
    24.30620906818,
    _OFTEN,
)
G08 = _problem(
    "g08",
    [(0, 10), (0, 10)],
    "-(sin(2 * pi * x1) ** 3) * sin(2 * pi * x2) / (x1 ** 3 * (x1 + x2))",
    ["x1 ** 2 - x2 + 1 <= 0", "1 - x1 + (x2 - 4) ** 2 <= 0"],
    -0.0958250414180359,
    _OFTEN | {"genetic": 0.85},
)
G09 = _problem(
    "g09",
    [(-10, 10)] * 7,
    "(x1 - 10) ** 2 + 5 * (x2 - 12) ** 2 + x3 ** 4 + 3 * (x4 - 11) ** 2 + 10 * x5 ** 6"
    " + 7 * x6 ** 2 + x7 ** 4 - 4 * x6 * x7 - 10 * x6 - 8 * x7",
    [
        "2 * x1 ** 2 + 3 * x2 ** 4 + x3 + 4 * x4 ** 2 + 5 * x5 <= 127",
        "7 * x1 + 3 * x2 + 10 * x3 ** 2 + x4 - x5 <= 282",
        "23 * x1 + x2 ** 2 + 6 * x6 ** 2 - 8 * x7 <= 196",
        "4 * x1 ** 2 + x2 ** 2 - 3 * x1 * x2 + 2 * x3 ** 2 + 5 * x6 - 11 * x7 <= 0",
    ],
    680.630057374402,
    _OFTEN,
)
G10 = _problem(
    "g10",
    [(100, 10_000), (1000, 10_000), (1000, 10_000)] + [(10, 1000)] * 5,
    "x1 + x2 + x3",
    [
        "0.0025 * (x4 + x6) <= 1",
        "0.0025 * (x5 + x7 - x4) <= 1",
        "0.01 * (x8 - x5) <= 1",
        "-x1 * x6 + 833.33252 * x4 + 100 * x1 <= 83333.333",
        "-x2 * x7 + 1250 * x5 + x2 * x4 - 1250 * x4 <= 0",
        "-x3 * x8 + 1250000 + x3 * x5 - 2500 * x5 <= 0",
    ],
    7049.24802052867,
    _OFTEN,
)
G11 = _problem(
    "g11",
    [(-1, 1)] * 2,
    "x1 ** 2 + (x2 - 1) ** 2",
    ["x2 == x1 ** 2"],
    0.7499,
    _OFTEN | {"l-shade": 0.6},
)
G24 = _problem(
    "g24",
    [(0, 3), (0, 4)],
    "-x1 - x2",
    [
        "-2 * x1 ** 4 + 8 * x1 ** 3 - 8 * x1 ** 2 + x2 <= 2",
        "-4 * x1 ** 4 + 32 * x1 ** 3 - 88 * x1 ** 2 + 96 * x1 + x2 <= 36",
    ],
    -5.50801327159536,
    _OFTEN | {"genetic": 0.4},
)
SPRING = _problem(
    "spring",
    [(0.05, 2), (0.25, 1.3), (2, 15)],
    "(x3 + 2) * x2 * x1 ** 2",
    [
        "1 - x2 ** 3 * x3 / (71785 * x1 ** 4) <= 0",
        "(4 * x2 ** 2 - x1 * x2) / (12566 * (x2 * x1 ** 3 - x1 ** 4)) + 1 / (5108 * x1 ** 2) <= 1",
        "1 - 140.45 * x1 / (x2 ** 2 * x3) <= 0",
        "(x1 + x2) / 1.5 <= 1",
    ],
    0.012665232788,
    {"auto": 0.4, "l-shade": 0.85},
)
VESSEL = _problem(
    "pressure vessel",
    [(1, 99), (1, 99), (10, 200), (10, 200)],
    "0.6224 * 0.0625 * x1 * x3 * x4 + 1.7781 * 0.0625 * x2 * x3 ** 2"
    " + 3.1661 * (0.0625 * x1) ** 2 * x4 + 19.84 * (0.0625 * x1) ** 2 * x3",
    [
        "0.0193 * x3 <= 0.0625 * x1",
        "0.00954 * x3 <= 0.0625 * x2",
        "pi * x3 ** 2 * x4 + 4 / 3 * pi * x3 ** 3 >= 1296000",
    ],
    6059.714335048436,
    {},
    integers=2,
)
PROBLEMS = (G01, G04, G06, G07, G08, G09, G10, G11, G24, SPRING, VESSEL)


def pymoos_ga(known: Known, seed: int) -> float:
    """Return the best feasible fitness that pymoo's GA finds."""
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.core.problem import Problem
    from pymoo.optimize import minimize

    evaluate = evaluator(known)
    genes = known.genome["genes"]
    integers = sum(gene["type"] == "integer" for gene in genes)

    class Same(Problem):  # type: ignore[misc]
        def _evaluate(self, x: Any, out: Any, *args: Any, **kwargs: Any) -> None:
            rows = x.copy()
            rows[:, :integers] = np.round(rows[:, :integers])
            values, violated = evaluate(rows)
            out["F"], out["G"] = values[:, None], violated[:, None]

    problem = Same(
        n_var=len(genes),
        n_obj=1,
        n_ieq_constr=1,
        xl=np.array([float(gene["min"]) for gene in genes]),
        xu=np.array([float(gene["max"]) for gene in genes]),
    )
    found = minimize(problem, GA(pop_size=100), ("n_eval", known.evaluations), seed=seed)
    return math.inf if found.F is None else float(found.F[0])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 1 if a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problems", nargs="*")
    parser.add_argument("--seeds", type=int, default=15)
    parser.add_argument("--peers-seeds", type=int, default=15, help="0: without peers")
    parser.add_argument("--keep", type=Path, help="where peers' figures are kept")
    options = parser.parse_args(arguments)
    problems = [known for known in PROBLEMS if known.name in (options.problems or known.name)]
    peers = {} if options.peers_seeds == 0 else {"pymoo GA": pymoos_ga}
    seeds, others = (range(1, 1 + count) for count in (options.seeds, options.peers_seeds))
    return int(report(problems, CONTENDERS, peers, seeds, others, options.keep) > 0)


if __name__ == "__main__":
    sys.exit(main())
