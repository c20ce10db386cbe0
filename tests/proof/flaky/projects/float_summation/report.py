"""Adds floats as the threads that compute them come to an end.

After https://github.com/rayon-rs/rayon/issues/663 (and https://github.com/openmm/openmm/issues/1799):
addition of floats is not associative, so that a parallel reduction depends on its order.
"""

import pathlib
import threading


def part(number):
    """Return a part of the sum, whose computing takes its while."""
    total = 0.0
    for step in range(1, 2_000):
        total += number / step
    return total * 10.0**number


class Total:
    def __init__(self):
        self.value = 0.0
        self.lock = threading.Lock()

    def add(self, number):
        for _ in range(200):
            value = part(number)
            with self.lock:  # no addition is lost, yet their order is anybody's guess
                self.value += value


if __name__ == "__main__":
    total = Total()
    threads = [threading.Thread(target=total.add, args=(n,)) for n in range(-6, 7, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pathlib.Path("out.txt").write_text(f"{total.value!r}\n")
