"""What a run of a proof's steps is pinned to: seeds, paths, order, locale, time, and the rest.

Repetitions differ in few of them, on purpose; a diagnosis varies one at a time. The clock, the
random seed and the order of listings are put on by a `sitecustomize` for Python's processes, and
only where they are asked for: what `prove` judges runs as it is. Refuses to touch the inputs.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from chimera.proof.running import interpreter

ORDER_SEED = "CHIMERA_PROOF_ORDER_SEED"
"""Variable that holds the seed of the test order; unset where tests keep their own."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is held still while steps run, or varied.

    `nesting` makes the working path longer; `cpus` bounds the processors that are used. Without
    `fresh_home`, home and temporary files are those that an earlier run of the same export left.
    With `fixed_addresses` the kernel, where it can, puts memory at the same addresses each time.

    What follows reaches Python's processes only. `clock_start` is the time (in seconds since 1970)
    at which each process begins, and `clock_step` lets it go on by as much at each look instead of
    running. `listing_seed` orders what folders hold,
    `first_port` is where a socket that asks for any port is given one, and `switch_interval` is
    how long a thread goes on before another may.
    """

    hash_seed: int = 0
    nesting: int = 1
    order_seed: int | None = None
    locale: str = "C.UTF-8"
    timezone: str = "UTC"
    umask: int = 0o022
    network: bool = False
    random_seed: int | None = None
    listing_seed: int | None = None
    cpus: int | None = None
    fresh_home: bool = True
    fixed_addresses: bool = False
    clock_start: float | None = None
    clock_step: float | None = None
    first_port: int | None = None
    switch_interval: float | None = None

    @staticmethod
    def of_repetition(number: int, shuffle: bool) -> Conditions:
        """Return what repetition `number` runs under; a control is number zero.

        Every repetition has another hash seed and another path. With `shuffle`, the first keeps
        the order in which the tests are written, and each later one has another.
        """
        return Conditions(
            hash_seed=number,
            nesting=number + 1,
            order_seed=number if shuffle and number > 1 else None,
        )

    def variables(self, folder: Path) -> dict[str, str]:
        """Return the variables that put these conditions on, besides what is always pinned.

        What Python's processes need for it is written into `folder`, which must then come first
        on `PYTHONPATH`.
        """
        found = {
            "LC_ALL": self.locale,
            "LANG": self.locale,
            "TZ": self.timezone,
            "PYTHONHASHSEED": str(self.hash_seed),
        }
        if self.order_seed is not None:
            found[ORDER_SEED] = str(self.order_seed)
        asked = {
            interpreter.RANDOM_SEED: self.random_seed,
            interpreter.LISTING_SEED: self.listing_seed,
            interpreter.CLOCK_START: self.clock_start,
            interpreter.CLOCK_STEP: self.clock_step,
            interpreter.FIRST_PORT: self.first_port,
            interpreter.SWITCH_INTERVAL: self.switch_interval,
        }
        given = {name: repr(value) for name, value in asked.items() if value is not None}
        if given:
            shutil.copyfile(interpreter.__file__, folder / "sitecustomize.py")
        return found | given
