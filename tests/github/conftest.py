"""A fake of GitHub's API for comments: a real HTTP server here, and nothing of GitHub."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

BOT = "github-actions[bot]"
MOST_CHARACTERS = 65_536


@dataclass
class FakeGitHub:
    """The comments of pull request 7 of team/repo, who may write, and what goes wrong."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    trouble: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Answers that the next requests get, each once."""
    meet: threading.Barrier | None = None
    """Where the first requests of several runs wait for one another."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    next_id: int = 100

    def add(self, body: str, login: str = BOT) -> dict[str, Any]:
        """Write a comment."""
        with self.lock:
            self.next_id += 1
            comment = {"id": self.next_id, "body": body, "user": {"login": login}}
            self.comments.append(comment)
            return comment

    @property
    def own(self) -> list[str]:
        """What the bot's comments say."""
        return [c["body"] for c in self.comments if c["user"]["login"] == BOT]


class _Handler(BaseHTTPRequestHandler):
    @property
    def github(self) -> FakeGitHub:
        return cast("FakeGitHub", self.server.github)  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def do_PATCH(self) -> None:
        self._answer(self._patch)

    def do_DELETE(self) -> None:
        self._answer(self._delete)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""

    def _answer(self, act: Any) -> None:
        github = self.github
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        with github.lock:
            github.requests.append(f"{self.command} {self.path}")
            trouble = github.trouble.pop(0) if github.trouble else None
        token = self.headers["authorization"].removeprefix("Bearer ")
        if trouble is not None:
            self._say(trouble[0], {"message": "trouble"}, trouble[1])
        elif token not in {"good", "read-only"}:
            self._say(401, {"message": "Bad credentials"})
        elif token == "read-only" and self.command != "GET":
            self._say(403, {"message": "Resource not accessible by integration"})
        else:
            act(json.loads(content) if content else None)

    def _get(self, _: Any) -> None:
        url = urlsplit(self.path)
        if url.path != "/repos/team/repo/issues/7/comments":
            return self._say(404, {"message": "Not Found"})
        query = {key: int(values[0]) for key, values in parse_qs(url.query).items()}
        start = (query["page"] - 1) * query["per_page"]
        with self.github.lock:
            answer = self.github.comments[start : start + query["per_page"]]
        if self.github.meet is not None and not answer:
            self.github.meet.wait(10)
        return self._say(200, answer)

    def _post(self, value: Any) -> None:
        if self.path != "/repos/team/repo/issues/7/comments":
            return self._say(404, {"message": "Not Found"})
        if len(value["body"]) > MOST_CHARACTERS:
            return self._say(422, {"message": "Body is too long (maximum is 65536 characters)"})
        return self._say(201, self.github.add(value["body"]))

    def _patch(self, value: Any) -> None:
        comment = self._found()
        if comment is None:
            return self._say(404, {"message": "Not Found"})
        comment["body"] = value["body"]
        return self._say(200, comment)

    def _delete(self, _: Any) -> None:
        with self.github.lock:
            comment = self._found()
            if comment is None:
                return self._say(404, {"message": "Not Found"})
            self.github.comments.remove(comment)
        return self._say(204, None)

    def _found(self) -> dict[str, Any] | None:
        match = re.fullmatch("/repos/team/repo/issues/comments/([0-9]+)", self.path)
        found = [c for c in self.github.comments if match and c["id"] == int(match[1])]
        return found[0] if found else None

    def _say(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        content = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def fake_github() -> Iterator[FakeGitHub]:
    """Serve the fake for one test."""
    github = FakeGitHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.github = github  # type: ignore[attr-defined]
    github.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield github
    server.shutdown()
    thread.join()
    server.server_close()
