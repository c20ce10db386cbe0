"""Ray on one machine with two workers: no-op tasks, nothing recorded."""

import logging
import sys
import time

import ray
from common import STAGES, report

ray.init(
    num_cpus=2, include_dashboard=False, logging_level=logging.ERROR, object_store_memory=100 << 20
)


@ray.remote(max_retries=0)
def nothing(*_):
    return None


def chained(count):
    last = None
    for _ in range(count):
        last = nothing.remote(last)
    return last


ray.get([nothing.remote() for _ in range(4)])  # the workers are up
case, count = sys.argv[1], int(sys.argv[2])
begun = time.perf_counter()
match case:
    case "chain":
        ray.get(chained(count))
    case "fan":
        ray.get([nothing.remote() for _ in range(count)])
    case "many":
        ray.get([chained(STAGES) for _ in range(count)])
report(case, count, time.perf_counter() - begun)
