"""Dask's LocalCluster with two workers: no-op tasks, nothing recorded."""

import sys
import time

from common import STAGES, report
from distributed import Client, LocalCluster


def nothing(*_):
    return None


def chained(client, count):
    last = None
    for _ in range(count):
        last = client.submit(nothing, last, pure=False)
    return last


def main(case, count):
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.gather([client.submit(nothing, n) for n in range(4)])  # the workers are up
        begun = time.perf_counter()
        match case:
            case "chain":
                chained(client, count).result()
            case "fan":
                client.gather(client.map(nothing, range(count), pure=False))
            case "many":
                client.gather([chained(client, STAGES) for _ in range(count)])
        report(case, count, time.perf_counter() - begun)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
