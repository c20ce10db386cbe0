"""A real Chromium, asked what a page writes to its console, asks of the network, and measures."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_OPTIONS = (
    "--headless",
    "--no-sandbox",  # the page is this test's own, and containers have no user namespaces
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    # What the browser itself would ask is not to leave this machine; it is recorded all the same.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr",
    "--v=0",
)


@dataclass(frozen=True)
class Visit:
    """What came of opening a page: its document afterwards, its console, and what it asked for."""

    dom: str
    console: tuple[str, ...]
    asked: tuple[str, ...]


def browser() -> str:
    """Return where Chromium is; skips without one, and fails in CI, where it is installed."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None and os.environ.get("CI"):
        pytest.fail("there is no chromium, and CI installs it")
    if found is None:
        pytest.skip("there is no chromium here to open the page with")
    return found


def visit(page: Path, folder: Path, *options: str) -> Visit:
    """Open a page that lies in a file."""
    log = folder / "net.json"
    command = [
        *(browser(), *_OPTIONS, *options, f"--user-data-dir={folder / 'profile'}"),
        *(f"--log-net-log={log}", "--dump-dom", page.absolute().as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    console = re.findall(r"(?::CONSOLE[:(]\d+\)?\]) (.*)", done.stderr)
    return Visit(done.stdout, tuple(console), _asked(log))


def _asked(log: Path) -> tuple[str, ...]:
    """Return what a page that lies in a file asked of the network, by where requests come from.

    What the browser asks for itself is of no origin. Looking up a name is asking, too.
    """
    events = json.loads(log.read_text())["events"]
    found = []
    for event in events:
        told = event.get("params") or {}
        origin = (told.get("initiator"), told.get("network_anonymization_key"))
        if any(str(each).startswith(("file://", "null file")) for each in origin):
            found.append(str(told.get("url") or told.get("host")))
        elif told.get("initiator") == "null":
            found.append(str(told.get("url")))
    return tuple(found)
