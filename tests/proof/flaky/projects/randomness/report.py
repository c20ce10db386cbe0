"""Estimates from samples that nobody seeded.

After https://github.com/gattia/pymskt/issues/57: a test smoothed unseeded random scalars and failed
on the draws that met an edge case.
"""

import pathlib
import random
import statistics

if __name__ == "__main__":
    samples = [random.gauss(0, 1) for _ in range(100)]
    pathlib.Path("out.txt").write_text(f"mean {statistics.fmean(samples):.6f}\n")
