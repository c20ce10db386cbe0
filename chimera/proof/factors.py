"""Factors: what may differ between two runs of the same steps, each with how it is varied.

A diagnosis holds all of them still and varies one at a time; a proof that says so in `vary` has its
repetitions differ in them. Refuses to guess: a factor is what its conditions are, and no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from chimera.proof.running.conditions import Conditions

Changes = Mapping[str, Any]
"""Fields of `Conditions` with other values."""
FactorName = Literal[
    "addresses",
    "hash",
    "path",
    "clock",
    "timezone",
    "locale",
    "umask",
    "listing",
    "order",
    "network",
    "ports",
    "home",
    "cpus",
    "threads",
    "random",
]
Varied = Literal[
    "clock", "timezone", "locale", "umask", "listing", "cpus", "threads", "network", "home"
]
"""The factors that a proof's repetitions can be made to differ in."""

_NOON = 1_781_690_400.0  # Wednesday, 2026-06-17 10:00 UTC: no edge of anything
_YEAR_ENDS = 1_798_761_598.0  # 2026-12-31 23:59:58
_YEAR_BEGINS = 1_798_761_605.0  # 2027-01-01 00:00:05
_LEAP_DAY = 1_835_416_800.0  # 2028-02-29 06:00

FIXED = Conditions(
    hash_seed=1,
    random_seed=1,
    listing_seed=1,
    cpus=1,
    clock_start=_NOON,
    clock_step=0.001,
    first_port=20_001,
    fixed_addresses=True,
    switch_interval=100.0,
)
"""Everything held still: the base that a diagnosis varies."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One thing that may differ.

    `cause` names what a difference comes from, `varies` what differed; `help` says what to do.
    Each of `alternatives` is one run beside the base; `base` is what the base itself needs for it.
    Where chance decides, an alternative is tried again. What differs by a factor that `masks`
    differs by many others that do not matter, and is left out of them. `repeated` is what later
    repetitions of a proof that varies the factor have, in turn.
    """

    name: FactorName
    cause: str
    varies: str
    help: str
    alternatives: tuple[Changes, ...]
    base: Changes | None = None
    is_chance: bool = False
    masks: bool = False
    repeated: tuple[Changes, ...] = ()


_LOCALES = ({"locale": "de_DE.UTF-8"}, {"locale": "C"})
_ZONES = ({"timezone": "<+14>-14"}, {"timezone": "<-11>+11"})

FACTORS = (
    Factor(
        "addresses",
        "memory addresses",
        "where objects lie in memory",
        "write no default repr, and order nothing by id()",
        ({"fixed_addresses": False},),
        masks=True,
    ),
    Factor(
        "hash",
        "hash order",
        "PYTHONHASHSEED",
        "sort what comes out of a set or of a mapping keyed by hash before it is written or summed",
        ({"hash_seed": 2}, {"hash_seed": 3}, {"hash_seed": 4}),
    ),
    Factor(
        "path",
        "the working path",
        "the folder that it runs in",
        "write paths relative to the working folder",
        ({"nesting": 9},),
    ),
    Factor(
        "clock",
        "the time",
        "the clock",
        "take the time as an input, or from SOURCE_DATE_EPOCH",
        (
            {"clock_start": None, "clock_step": None},
            *({"clock_start": start} for start in (_YEAR_ENDS, _YEAR_BEGINS, _LEAP_DAY)),
        ),
        repeated=tuple({"clock_start": s} for s in (_YEAR_BEGINS, _YEAR_ENDS, _LEAP_DAY, _NOON)),
    ),
    Factor(
        "timezone",
        "the time zone",
        "TZ",
        "reckon in UTC, or name the zone where it is meant",
        _ZONES,
        repeated=_ZONES,
    ),
    Factor(
        "locale",
        "the locale",
        "LC_ALL and LANG",
        "name the locale or the encoding where it is meant",
        _LOCALES,
        repeated=_LOCALES,
    ),
    Factor(
        "umask",
        "the umask",
        "the umask",
        "set the mode of the files that are written",
        ({"umask": 0o077},),
        repeated=({"umask": 0o077},),
    ),
    Factor(
        "listing",
        "directory order",
        "the order in which Python lists a folder",
        "sort what listdir, scandir and glob return",
        ({"listing_seed": 2}, {"listing_seed": 3}),
        repeated=tuple({"listing_seed": seed} for seed in (1, 2, 3)),
    ),
    Factor(
        "order",
        "test order",
        "the order of the tests",
        "let no test use what another has left",
        ({"order_seed": 2}, {"order_seed": 3}, {"order_seed": 4}),
    ),
    Factor(
        "network",
        "the network or its ports",
        "what the network reaches",
        "let no step depend on the machine's network; ask for port 0 instead of a fixed one",
        ({"network": True},),
        repeated=({"network": True},),
    ),
    Factor(
        "ports",
        "the port",
        "the port that a socket is given",
        "keep the number of a port that was given out of what is compared",
        ({"first_port": 30_001},),
    ),
    Factor(
        "home",
        "a stale cache",
        "what an earlier run left in HOME and TMPDIR",
        "key the cache by all that it depends on, or keep none",
        ({"fresh_home": False},),
        base={"fresh_home": False},
        repeated=({"fresh_home": False},),
    ),
    Factor(
        "cpus",
        "the processors",
        "how many processors there are",
        "divide work by what it is, and join parts in a fixed order",
        ({"cpus": None},),
        is_chance=True,
        repeated=({"cpus": 1},),
    ),
    Factor(
        "threads",
        "a race between threads",
        "when Python's threads take turns",
        "guard what threads share, and join what they give in a fixed order",
        ({"cpus": None, "switch_interval": 1e-6},),
        is_chance=True,
        repeated=({"switch_interval": 1e-6},),
    ),
    Factor(
        "random",
        "randomness",
        "the seed of random numbers",
        "seed the generator, and pass it on",
        ({"random_seed": None},),
        is_chance=True,
    ),
)
"""All of them, the ones that chance decides last."""


def conditions_of(number: int, shuffle: bool, vary: Iterable[str] = ()) -> Conditions:
    """Return what repetition `number` runs under where it also varies the factors in `vary`.

    The first repetition, and a control, which is number zero, keep what is pinned. Whether
    repetitions find what others have left in HOME is the same for all: one of them is the first.
    """
    conditions = Conditions.of_repetition(number, shuffle)
    asked = frozenset(vary)
    for factor in FACTORS:
        if factor.name in asked and factor.repeated and number > 1:
            changes = factor.repeated[(number - 2) % len(factor.repeated)]
            conditions = replace(conditions, **changes)
    if "home" in asked and number > 0:
        conditions = replace(conditions, fresh_home=False)
    return conditions
