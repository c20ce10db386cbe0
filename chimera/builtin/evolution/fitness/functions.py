"""Published test functions, written in the language of fitness expressions.

One mechanism serves both: a named function is compiled, bounded and reproduced exactly as an
expression of the user's own. Refuses functions without formula, source and known optimum.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TestFunction:
    """A test function to minimise over n genes, with its least value and where it is taken.

    `domain` is the box that the literature uses; the bounds of a document may differ from it.
    """

    __test__ = False  # its name is the field's own word, not pytest's

    expression: str
    formula: str
    source: str
    domain: tuple[float, float]
    optimum: float
    minimum: float = 0.0


FUNCTIONS = {
    "sphere": TestFunction(
        expression="sum(g ** 2 for g in genes)",
        formula="Σ xᵢ²",
        source="K. A. De Jong, An analysis of the behavior of a class of genetic adaptive "
        "systems, PhD thesis, University of Michigan, 1975 (F1)",
        domain=(-5.12, 5.12),
        optimum=0.0,
    ),
    "rastrigin": TestFunction(
        expression="10 * len(genes) + sum(g ** 2 - 10 * cos(2 * pi * g) for g in genes)",
        formula="10 n + Σ (xᵢ² - 10 cos 2πxᵢ)",
        source="H. Mühlenbein, M. Schomisch and J. Born, The parallel genetic algorithm as "
        "function optimizer, Parallel Computing 17 (1991) 619-632",
        domain=(-5.12, 5.12),
        optimum=0.0,
    ),
    "rosenbrock": TestFunction(
        expression="sum(100 * (genes[i + 1] - genes[i] ** 2) ** 2 + (1 - genes[i]) ** 2"
        " for i in range(len(genes) - 1))",
        formula="Σ 100 (xᵢ₊₁ - xᵢ²)² + (1 - xᵢ)²",
        source="H. H. Rosenbrock, An automatic method for finding the greatest or least value of "
        "a function, The Computer Journal 3 (1960) 175-184",
        domain=(-2.048, 2.048),
        optimum=1.0,
    ),
    "ackley": TestFunction(
        expression="20 + e - 20 * exp(-0.2 * sqrt(sum(g ** 2 for g in genes) / len(genes)))"
        " - exp(sum(cos(2 * pi * g) for g in genes) / len(genes))",
        formula="20 + e - 20 exp(-0.2 √(Σ xᵢ² / n)) - exp(Σ cos(2πxᵢ) / n)",
        source="D. H. Ackley, A connectionist machine for genetic hillclimbing, Kluwer, 1987",
        domain=(-32.768, 32.768),
        optimum=0.0,
    ),
}
