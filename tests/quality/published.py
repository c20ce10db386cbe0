"""Published test functions of several objectives, in the language of fitness expressions.

All objectives are minimised. Refuses functions without source and known front.
"""

from __future__ import annotations

from dataclasses import dataclass

_ZDT = (
    "E. Zitzler, K. Deb and L. Thiele, Comparison of multiobjective evolutionary algorithms: "
    "empirical results, Evolutionary Computation 8 (2000) 173-195"
)
_DTLZ = (
    "K. Deb, L. Thiele, M. Laumanns and E. Zitzler, Scalable test problems for evolutionary "
    "multiobjective optimization, in: Evolutionary multiobjective optimization, Springer, 2005, "
    "105-145"
)


@dataclass(frozen=True, slots=True)
class TestFront:
    """A function of several objectives over the genes x₁ to xₙ, and its front.

    `genes` is how many the literature takes; the first objectives less one of them lie in [0, 1],
    and the rest in `domain`. The front is reached where those are all `optimum`.
    """

    __test__ = False  # its name is the field's own word, not pytest's

    expressions: tuple[str, ...]
    front: str
    source: str
    genes: int
    domain: tuple[float, float] = (0.0, 1.0)
    optimum: float = 0.0


_X = "genes[0]"
_REST = "sum(genes[i] for i in range(1, len(genes))) / (len(genes) - 1)"
_G = f"(1 + 9 * {_REST})"
_G_4 = (
    "(1 + 10 * (len(genes) - 1)"
    " + sum(genes[i] ** 2 - 10 * cos(4 * pi * genes[i]) for i in range(1, len(genes))))"
)
_F_6 = f"(1 - exp(-4 * {_X}) * sin(6 * pi * {_X}) ** 6)"
_G_6 = f"(1 + 9 * ({_REST}) ** 0.25)"

OBJECTIVES = 3
"""How many objectives the functions of Deb, Thiele, Laumanns and Zitzler have here."""

_OFF = "(genes[i] - 0.5)"
_RANGE = f"range({OBJECTIVES - 1}, len(genes))"
_G_RUGGED = (
    f"(100 * (len(genes) - {OBJECTIVES - 1}"
    f" + sum({_OFF} ** 2 - cos(20 * pi * {_OFF}) for i in {_RANGE})))"
)
_G_SPHERE = f"sum({_OFF} ** 2 for i in {_RANGE})"


def _linear(g: str) -> tuple[str, ...]:
    """Return the objectives of a linear front, ½ Π xⱼ (1 - xₖ) (1 + g)."""
    x, y = "genes[0]", "genes[1]"
    return (
        f"0.5 * {x} * {y} * (1 + {g})",
        f"0.5 * {x} * (1 - {y}) * (1 + {g})",
        f"0.5 * (1 - {x}) * (1 + {g})",
    )


def _round(g: str, power: str = "") -> tuple[str, ...]:
    """Return the objectives of a spherical front, (1 + g) Π cos(xⱼ π / 2) sin(xₖ π / 2)."""
    x, y = (f"genes[{place}]{power} * pi / 2" for place in range(2))
    return (
        f"(1 + {g}) * cos({x}) * cos({y})",
        f"(1 + {g}) * cos({x}) * sin({y})",
        f"(1 + {g}) * sin({x})",
    )


FRONTS = {
    "zdt1": TestFront((_X, f"{_G} * (1 - sqrt({_X} / {_G}))"), "f₂ = 1 - √f₁", _ZDT, 30),
    "zdt2": TestFront((_X, f"{_G} * (1 - ({_X} / {_G}) ** 2)"), "f₂ = 1 - f₁²", _ZDT, 30),
    "zdt3": TestFront(
        (_X, f"{_G} * (1 - sqrt({_X} / {_G}) - {_X} / {_G} * sin(10 * pi * {_X}))"),
        "f₂ = 1 - √f₁ - f₁ sin 10πf₁, where that is not dominated",
        _ZDT,
        30,
    ),
    "zdt4": TestFront(
        (_X, f"{_G_4} * (1 - sqrt({_X} / {_G_4}))"), "f₂ = 1 - √f₁", _ZDT, 10, (-5.0, 5.0)
    ),
    "zdt6": TestFront(
        (_F_6, f"{_G_6} * (1 - ({_F_6} / {_G_6}) ** 2)"), "f₂ = 1 - f₁², f₁ ≥ 0.2807…", _ZDT, 10
    ),
    "dtlz1": TestFront(_linear(_G_RUGGED), "Σ fₖ = ½", _DTLZ, 7, optimum=0.5),
    "dtlz2": TestFront(_round(_G_SPHERE), "Σ fₖ² = 1", _DTLZ, 12, optimum=0.5),
    "dtlz3": TestFront(_round(_G_RUGGED), "Σ fₖ² = 1", _DTLZ, 12, optimum=0.5),
    "dtlz4": TestFront(_round(_G_SPHERE, " ** 100"), "Σ fₖ² = 1", _DTLZ, 12, optimum=0.5),
}
