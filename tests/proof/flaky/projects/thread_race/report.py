"""Counts in several threads without a lock.

After https://github.com/escoffier-labs/brigade/issues/1295: increments of a counter were lost under
load, 193 of 200 the one time and 189 the other.
"""

import pathlib
import threading


class Counter:
    def __init__(self):
        self.value = 0

    def add(self, amount):
        before = self.value
        self.value = self.sum(before, amount)  # another thread may have been here in between

    def sum(self, *amounts):
        return sum(amounts)


def work(counter):
    for _ in range(150_000):
        counter.add(1)


if __name__ == "__main__":
    counter = Counter()
    threads = [threading.Thread(target=work, args=(counter,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pathlib.Path("out.txt").write_text(f"{counter.value}\n")
