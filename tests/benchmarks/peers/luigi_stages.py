"""Luigi with its local scheduler: tasks that leave an empty file each, which is its record."""

import logging
import pathlib
import sys
import tempfile
import time

import luigi
from common import STAGES, report

FOLDER = pathlib.Path(tempfile.mkdtemp())


class Stage(luigi.Task):
    line = luigi.IntParameter()
    index = luigi.IntParameter()

    def requires(self):
        return [Stage(line=self.line, index=self.index - 1)] if self.index else []

    def output(self):
        return luigi.LocalTarget(FOLDER / f"{self.line}-{self.index}")

    def run(self):
        with self.output().open("w"):
            pass


logging.disable(logging.CRITICAL)
sys.setrecursionlimit(100_000)
case, count = sys.argv[1], int(sys.argv[2])
match case:
    case "chain":
        ends = [Stage(line=0, index=count - 1)]
    case "fan":
        ends = [Stage(line=line, index=0) for line in range(count)]
    case _:
        ends = [Stage(line=line, index=STAGES - 1) for line in range(count)]
begun = time.perf_counter()
assert luigi.build(ends, local_scheduler=True, log_level="CRITICAL")
report(case, count, time.perf_counter() - begun)
