"""Applies an Evolution and is killed: for each `root delay` on stdin, in a fork of its own.

Not a test. It imports everything once, so that a kill costs no more than a fork; with `here` for a
delay it applies without a fork, so that all forks find the kernels that this loads.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from tests.builtin.evolution.running.house import House, result_of


def main():
    """Fork for each line, kill the fork after the delay, and say how it ended."""
    import asyncio  # noqa: F401 - once, for all forks

    import chimera.builtin.evolution.fitness.outside.pool
    import chimera.builtin.evolution.search.asking
    import chimera.builtin.evolution.search.remote
    import chimera.runtime.scheduler  # noqa: F401

    for line in sys.stdin:
        root, delay = line.split()
        if delay == "here":
            House(Path(root)).apply()
            os.write(1, b"ended 0\n")
            continue
        pid = os.fork()
        if pid == 0:
            genome = House(Path(root)).apply()
            os.write(1, json.dumps(result_of(genome)).encode() + b"\n")
            os._exit(0)
        if float(delay):
            time.sleep(float(delay))
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        os.write(1, f"ended {status}\n".encode())


if __name__ == "__main__":
    main()
