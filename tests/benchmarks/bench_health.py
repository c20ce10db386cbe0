"""200 health checks, 20 of them of dead hosts: how long it takes beside the longest timeout.

    python -m tests.benchmarks.bench_health [CHECKS [DEAD]]

Of the dead hosts a half takes connections and says nothing, a half is not there (192.0.2.0/24,
which no network routes: RFC 5737). The others are asked by HTTP, TCP and, where it is installed,
Redis' PING. Servers run in a process of their own. What is timed is a look from the documents to
what is told, in this process, and then the whole command; asking one after another with curl, as
seed 002 does, stands beside them. Aim: the longest timeout plus 200 ms. Every result is checked.
"""

from __future__ import annotations

import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chimera.builtin.services.health.observing import observe
from chimera.context import Context
from chimera.documents import dump
from chimera.runtime.health import Health, HealthTask
from chimera.workspace import Workspace
from tests.benchmarks.timing import CHIMERA, ROOT

ROUNDS = 5
TIMEOUT = 1.0
AIM = TIMEOUT + 0.2
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"status": "ok"}'
SERVE = "serve"


def serve() -> None:
    """Answer on one port and hang on another, until standard input ends."""
    live, dead = (socket.create_server(("127.0.0.1", 0), backlog=1024) for _ in range(2))
    held: list[socket.socket] = []

    def answer() -> None:
        while True:
            connection, _ = live.accept()
            threading.Thread(target=_answer, args=(connection,), daemon=True).start()

    def hang() -> None:
        while True:
            held.append(dead.accept()[0])

    for work in (answer, hang):
        threading.Thread(target=work, daemon=True).start()
    print(live.getsockname()[1], dead.getsockname()[1], flush=True)
    sys.stdin.read()


def _answer(connection: socket.socket) -> None:
    with suppress(OSError), connection:
        if connection.recv(65536):
            connection.sendall(ANSWER)


@contextmanager
def servers() -> Iterator[tuple[int, int]]:
    """Yield the ports of a server that answers and of one that hangs."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_health", SERVE]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        live, dead = map(int, process.stdout.readline().split())
        try:
            yield live, dead
        finally:
            process.kill()


@contextmanager
def redis() -> Iterator[int | None]:
    """Yield the port of a Redis server, or `None` where none is installed."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        with subprocess.Popen([*command, "--dir", folder], stdout=subprocess.DEVNULL) as process:
            for _ in range(100):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.02)
            try:
                yield port
            finally:
                process.kill()


def service(host: str, port: int, type: str) -> dict[str, Any]:
    """Return a service with one check."""
    check: dict[str, Any] = {"id": "up", "type": type, "timeout": f"{TIMEOUT:g}s"}
    if type == "http":
        check |= {"path": "/health", "body": {"json": {"pointer": "/status", "equals": "ok"}}}
    endpoint = {"id": "it", "host": host, "port": port, "protocol": type}
    return {"endpoints": [endpoint], "checks": [check]}


def write(folder: Path, count: int, dead: int, ports: tuple[int, int, int | None]) -> None:
    """Write the services; the dead ones are spread over all."""
    live, hanging, ping = ports
    for number in range(count):
        if number % (count // dead) == 0 and number // (count // dead) < dead:
            is_gone = number // (count // dead) % 2
            spec = service(
                *((f"192.0.2.{number % 250 + 1}", 80) if is_gone else ("127.0.0.1", hanging)),
                "http",
            )
        elif ping is not None and number % 10 == 1:
            spec = service("127.0.0.1", ping, "redis")
        else:
            spec = service("127.0.0.1", live, "tcp" if number % 10 == 2 else "http")
        head = {"apiVersion": "chimera/v1", "kind": "Service"}
        document = {**head, "metadata": {"name": f"s{number:05}"}, "spec": spec}
        (folder / f"s{number:05}.yaml").write_text(dump(document))


def look(workspace: Workspace, count: int, dead: int) -> float:
    """Look once, check what was found, and return how long it took."""
    with workspace.read_state() as state:
        snapshot = workspace.loaded.snapshot
        task = HealthTask("local", snapshot, state, workspace.context, workspace.root)
        began = time.perf_counter()
        found = [check for check in observe(task) if check.subject.count("/") == 1]
        took = time.perf_counter() - began
    unwell = sum(check.status is Health.UNHEALTHY for check in found)
    if (len(found), unwell) != (count, dead):
        raise AssertionError(f"{unwell} of {len(found)} are not well, not {dead} of {count}")
    return took


def command(folder: Path) -> float:
    """Return how long the whole command takes."""
    began = time.perf_counter()
    done = subprocess.run(
        [*CHIMERA, "health", "--no-record"],
        cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    return time.perf_counter() - began


def by_curl(live: int, hanging: int, count: int, dead: int) -> float | None:
    """Return how long it takes to ask one after another, with as much time for each."""
    if shutil.which("curl") is None:
        return None
    began = time.perf_counter()
    for number in range(count):
        port = hanging if number < dead else live
        subprocess.run(
            ["curl", "-fs", "-m", f"{TIMEOUT:g}", "-o", "/dev/null", f"http://127.0.0.1:{port}/"]
        )
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    if sys.argv[1:] == [SERVE]:
        serve()
        return
    count, dead = [*map(int, sys.argv[1:]), *(200, 20)[len(sys.argv) - 1 :]]
    with tempfile.TemporaryDirectory() as name, servers() as (live, hanging), redis() as ping:
        folder = Path(name)
        write(folder, count, dead, (live, hanging, ping))
        workspace = Workspace.open(folder, Context.system())
        looks = [look(workspace, count, dead) for _ in range(ROUNDS + 1)][1:]
        command(folder)
        whole = [command(folder) for _ in range(ROUNDS)]
        one_by_one = by_curl(live, hanging, count, dead)
    median = statistics.median(looks)
    print(f"{count} checks, {dead} of dead hosts, each within {TIMEOUT:g} s")
    print(f"a look      {median:.3f} s  worst {max(looks):.3f}  {median / AIM:.2f} x the aim")
    print(f"the command {statistics.median(whole):.3f} s  worst {max(whole):.3f}")
    if one_by_one is not None:
        print(f"curl, one after another {one_by_one:.1f} s, {one_by_one / median:.0f} x a look")


if __name__ == "__main__":
    main()
