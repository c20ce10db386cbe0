"""Published test functions, written in the language of fitness expressions.

One mechanism serves both: a named function is compiled, bounded and reproduced exactly as an
expression of the user's own. Refuses functions without formula, source and known optimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class TestFunction:
    """A test function over n genes, with its best value and where it is taken.

    `domain` is the box that the literature uses; the bounds of a document may differ from it. The
    best value is taken where every gene is `optimum`. It is `best_a_gene` for each gene that is
    part of a whole block of `block` genes; the others count for nothing.
    """

    __test__ = False  # its name is the field's own word, not pytest's

    expression: str
    formula: str
    source: str
    domain: tuple[float, float]
    optimum: float
    best_a_gene: float = 0.0
    block: int = 1
    objective: Literal["minimize", "maximize"] = "minimize"
    genes: Literal["real", "bit"] = "real"

    def best(self, genes: int) -> float:
        """Return the best value over so many genes."""
        return self.best_a_gene * (genes // self.block * self.block)


def _of_bits(
    expression: str, formula: str, source: str, *, best: float = 1.0, block: int = 1
) -> TestFunction:
    """Return a function over bits, to maximise, that is best where all are 1."""
    return TestFunction(
        expression,
        formula,
        source,
        domain=(0.0, 1.0),
        optimum=1.0,
        best_a_gene=best,
        block=block,
        objective="maximize",
        genes="bit",
    )


_BLOCK_OF_5 = "sum(genes[5 * i + j] for j in range(5))"
_LEVY = "(1 + (genes[{0}] - 1) / 4)"
_LEVY_I, _LEVY_FIRST, _LEVY_LAST = (_LEVY.format(place) for place in ("i", "0", "len(genes) - 1"))

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
    "griewank": TestFunction(
        expression="1 + sum(g ** 2 for g in genes) / 4000"
        " - prod(cos(genes[i] / sqrt(i + 1)) for i in range(len(genes)))",
        formula="1 + Σ xᵢ² / 4000 - Π cos(xᵢ / √i)",
        source="A. O. Griewank, Generalized descent for global optimization, Journal of "
        "Optimization Theory and Applications 34 (1981) 11-39",
        domain=(-600.0, 600.0),
        optimum=0.0,
    ),
    "schwefel": TestFunction(
        expression="418.9828872724338 * len(genes) - sum(g * sin(sqrt(abs(g))) for g in genes)",
        formula="418.98… n - Σ xᵢ sin √|xᵢ|, which is lower still outside of its domain",
        source="H.-P. Schwefel, Numerical optimization of computer models, Wiley, 1981 (2.26)",
        domain=(-500.0, 500.0),
        optimum=420.9687463599820,
    ),
    "ellipsoid": TestFunction(
        expression="sum(10 ** (6 * i / max(len(genes) - 1, 1)) * genes[i] ** 2"
        " for i in range(len(genes)))",
        formula="Σ 10^(6 (i - 1) / (n - 1)) xᵢ²",
        source="N. Hansen and A. Ostermeier, Completely derandomized self-adaptation in evolution "
        "strategies, Evolutionary Computation 9 (2001) 159-195 (f_elli)",
        domain=(-5.0, 5.0),
        optimum=0.0,
    ),
    "zakharov": TestFunction(
        expression="sum(g ** 2 for g in genes)"
        " + sum((i + 1) * genes[i] / 2 for i in range(len(genes))) ** 2"
        " + sum((i + 1) * genes[i] / 2 for i in range(len(genes))) ** 4",
        formula="Σ xᵢ² + (Σ i xᵢ / 2)² + (Σ i xᵢ / 2)⁴",
        source="M. Jamil and X.-S. Yang, A literature survey of benchmark functions for global "
        "optimisation problems, International Journal of Mathematical Modelling and Numerical "
        "Optimisation 4 (2013) 150-194 (173, after V. V. Zakharov)",
        domain=(-5.0, 10.0),
        optimum=0.0,
    ),
    "levy": TestFunction(
        expression=f"sin(pi * {_LEVY_FIRST}) ** 2"
        f" + sum(({_LEVY_I} - 1) ** 2 * (1 + 10 * sin(pi * {_LEVY_I} + 1) ** 2)"
        " for i in range(len(genes) - 1))"
        f" + ({_LEVY_LAST} - 1) ** 2 * (1 + sin(2 * pi * {_LEVY_LAST}) ** 2)",
        formula="sin² πw₁ + Σᵢ₌₁ⁿ⁻¹ (wᵢ - 1)² (1 + 10 sin²(πwᵢ + 1)) + (wₙ - 1)² (1 + sin² 2πwₙ), "
        "wᵢ = 1 + (xᵢ - 1) / 4",
        source="A. V. Levy and A. Montalvo, The tunneling algorithm for the global minimization "
        "of functions, SIAM Journal on Scientific and Statistical Computing 6 (1985) 15-29",
        domain=(-10.0, 10.0),
        optimum=1.0,
    ),
    "styblinski-tang": TestFunction(
        expression="sum(g ** 4 - 16 * g ** 2 + 5 * g for g in genes) / 2",
        formula="Σ (xᵢ⁴ - 16 xᵢ² + 5 xᵢ) / 2",
        source="M. A. Styblinski and T.-S. Tang, Experiments in nonconvex optimization: "
        "stochastic approximation with function smoothing and simulated annealing, Neural "
        "Networks 3 (1990) 467-483",
        domain=(-5.0, 5.0),
        optimum=-2.903534027771177,
        best_a_gene=-39.16616570377142,
    ),
    "onemax": _of_bits(
        "sum(g for g in genes)",
        "Σ xᵢ",
        "J. D. Schaffer and L. J. Eshelman, On crossover as an evolutionarily viable strategy, "
        "ICGA 4 (1991) 61-68",
    ),
    "leading-ones": _of_bits(
        "leading(genes)",
        "Σᵢ Πⱼ₌₁ⁱ xⱼ",
        "G. Rudolph, Convergence properties of evolutionary algorithms, Kovač, 1997",
    ),
    "trap": _of_bits(
        f"sum(5 if {_BLOCK_OF_5} == 5 else 4 - {_BLOCK_OF_5} for i in range(len(genes) // 5))",
        "Σ over blocks of 5 bits with u ones: 5 where u = 5, else 4 - u; bits of no block count "
        "for nothing",
        "K. Deb and D. E. Goldberg, Analyzing deception in trap functions, Foundations of Genetic "
        "Algorithms 2 (1993) 93-108",
        block=5,
    ),
    "royal-road": _of_bits(
        "sum(8 * prod(genes[8 * i + j] for j in range(8)) for i in range(len(genes) // 8))",
        "Σ over blocks of 8 bits: 8 where all are 1, else 0; bits of no block count for nothing",
        "M. Mitchell, S. Forrest and J. H. Holland, The royal road for genetic algorithms: fitness "
        "landscapes and GA performance, Proceedings of the First European Conference on Artificial "
        "Life (1992) 245-254 (R1)",
        block=8,
    ),
}
