"""A worker process: does one attempt after another, as it is asked to on its standard input.

Answers, log lines and secrets go out on what was its standard output; what work prints goes to
stderr, which its parent logs, and its input is empty. Told to stop, it terminates what the work
has started and lets the work hear it. Ends when nobody asks any more.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import IO, NoReturn

from chimera.context import Context, Secrets
from chimera.runtime.executors.lines import Lines
from chimera.runtime.executors.remote import STOP, Surroundings, answer, line_of


def main() -> None:
    """Serve until the input ends."""
    asked = open(os.dup(0), "rb")  # noqa: PTH123, SIM115 - not a path; open as long as the process
    told = open(os.dup(1), "wb", buffering=0)  # noqa: PTH123, SIM115
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    Worker(asked, told).serve()


class Worker:
    """Reads in a thread of its own, so that it hears while the main thread works."""

    def __init__(self, asked: IO[bytes], told: IO[bytes]) -> None:
        self._asked = asked
        self._told = told
        self._writing = threading.Lock()
        self._requests: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        self._stopped = 0  # the number of the last request that was to stop
        self._own_signals = 0

    def serve(self) -> NoReturn:
        """Do what is asked for, one thing at a time."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides about a Ctrl-C
        threading.Thread(target=self._listen, daemon=True).start()
        context = replace(Context.system(), secrets=_Told(self._tell))
        while True:
            number, request = self._requests.get()
            lines = Lines(lambda text: self._tell({"log": context.secrets.mask(text)}))
            around = Surroundings(context, partial(self._is_stopped, number), lines.log)
            said = answer(request, around)
            lines.end()
            self._write(said)

    def _is_stopped(self, number: int) -> bool:
        return self._stopped >= number

    def _listen(self) -> None:
        number = 0
        for line in self._asked:
            if line.rstrip(b"\n") == STOP:
                self._stopped = number
                self._own_signals += 1
                os.killpg(0, signal.SIGTERM)  # what the work has started, and this process too
            else:
                number += 1
                self._requests.put((number, line))
        os._exit(0)  # nobody hears what comes of it

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._own_signals == 0:
            os._exit(128 + number)
        self._own_signals -= 1

    def _tell(self, message: dict[str, str]) -> None:
        self._write(line_of(message))

    def _write(self, line: bytes) -> None:
        data = memoryview(line + b"\n")
        with self._writing:
            while data:
                data = data[self._told.write(data) :]


class _Told(Secrets):
    """Secrets of which the parent process learns before it reads anything that could hold one."""

    def __init__(self, tell: Callable[[dict[str, str]], None]) -> None:
        self._say = tell
        super().__init__()

    def add(self, value: str) -> None:
        """Mask `value` here and there."""
        super().add(value)
        self._say({"secret": value})
