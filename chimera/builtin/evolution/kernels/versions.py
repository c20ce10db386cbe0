"""By what, and on what machine, this process compiles kernels."""

from __future__ import annotations

import platform

import numba
import numpy as np


def versions() -> dict[str, str]:
    """Return the versions of numba and NumPy, and the platform, as `Provenance` has them."""
    return {
        "numba": numba.__version__,
        "numpy": np.__version__,
        "platform": f"{platform.system()}-{platform.machine()}",
    }
