"""Numbers and names that fields share, and their limits."""

from __future__ import annotations

from typing import Annotated

from chimera.kinds import Field

MAX_BOUND = 1e100
"""Bounds are kept far from the largest float, so that no operator can overflow."""

MAX_WHOLE = 2**31
"""Integer genes stay where float64 holds every one, and the difference of two, exactly."""

MAX_SEED_DIGITS = 16
MAX_GENERATIONS = 1_000_000

Bound = Annotated[float, Field(ge=-MAX_BOUND, le=MAX_BOUND, allow_inf_nan=False)]
Whole = Annotated[int, Field(ge=-MAX_WHOLE, le=MAX_WHOLE)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
PositiveShare = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Index = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10_000)]
Generations = Annotated[int, Field(ge=1, le=MAX_GENERATIONS)]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
"""A name that expressions can use."""

HexSeed = Annotated[str, Field(pattern=rf"^[0-9a-f]{{1,{MAX_SEED_DIGITS}}}$")]
IntegerSeed = Annotated[int, Field(ge=0, lt=2**53)]
