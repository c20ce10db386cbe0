"""What the scripts of the peers share: each runs one case of no-op stages and prints one line.

They run in the peers' own environment, and import nothing of Chimera.
"""

import resource

STAGES = 5
"""Stages of each workflow in the case `many`."""


def report(case: str, count: int, seconds: float) -> None:
    """Print stages, seconds and the peak memory of this process in MiB."""
    stages = count * (STAGES if case == "many" else 1)
    print(stages, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
