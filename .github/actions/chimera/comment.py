"""Keep one comment on a pull request: create it the first time, and change it from then on.

    comment.py FILE [--backoff SECONDS]

The comment is known by a hidden marker and by its author, so that nobody else's is ever touched. Of
two runs at once both may create one: each looks again afterwards, and the oldest stays. A run never
overwrites what a later run wrote. A token that may not comment, as a fork's may not, is a notice
and no failure: annotations and summary say the same.

Reads what GitHub gives to every step (GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_EVENT_PATH,
GITHUB_RUN_NUMBER, GITHUB_RUN_ATTEMPT), and TOKEN and AUTHOR. Standard library alone. It has been
tested against a fake API server (tests/github/test_comment.py), never against GitHub itself.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARKER = re.compile(r"<!-- chimera:check ([0-9]{1,18})\.([0-9]{1,9}) -->")
MOST_CHARACTERS = 65_536
PER_PAGE = 100
MOST_PAGES = 100
ATTEMPTS = 5
LONGEST_WAIT = 60.0
TOO_LONG = (
    "### chimera check\n\nThe report is too long for a comment: see the summary of the job.\n"
)


class RefusedError(Exception):
    """GitHub answered, and the answer was no."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


@dataclass(frozen=True)
class Api:
    """The comments of one pull request; an answer that may pass is asked for again."""

    url: str
    repository: str
    pull: int
    token: str
    backoff: float

    def comments(self) -> list[dict[str, Any]]:
        """Return every comment, the oldest first."""
        found: list[dict[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            path = f"issues/{self.pull}/comments?per_page={PER_PAGE}&page={page}"
            comments = self._ask("GET", path)
            found += comments
            if len(comments) < PER_PAGE:
                break
        return sorted(found, key=lambda comment: int(comment["id"]))

    def create(self, body: str) -> int:
        """Write a new comment; return its id."""
        return int(self._ask("POST", f"issues/{self.pull}/comments", {"body": body})["id"])

    def update(self, id: int, body: str) -> None:
        """Replace what a comment says."""
        self._ask("PATCH", f"issues/comments/{id}", {"body": body})

    def delete(self, id: int) -> None:
        """Delete a comment; one that is gone already is as good."""
        try:
            self._ask("DELETE", f"issues/comments/{id}")
        except RefusedError as error:
            if error.status != 404:
                raise

    def _ask(self, method: str, path: str, value: Any = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the runner says where its API is
            f"{self.url}/repos/{self.repository}/{path}",
            method=method,
            data=None if value is None else json.dumps(value).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Content-Type": "application/json",
                "User-Agent": "chimera",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        # Unredirected: whoever GitHub might send this to is not told the token.
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as error:
                said = error.read(2_000).decode("utf-8", "replace")
                if attempt == ATTEMPTS or not _may_pass(error.code, error.headers, said):
                    raise RefusedError(error.code, said) from error
                wait = _told_to_wait(error.headers)
            except (OSError, ValueError) as error:
                if attempt == ATTEMPTS:
                    raise RefusedError(0, str(error)) from error
                wait = None
            time.sleep(
                min(LONGEST_WAIT, self.backoff * 2 ** (attempt - 1)) if wait is None else wait
            )
        raise AssertionError("the last attempt returns or raises")


def _may_pass(status: int, headers: Any, said: str) -> bool:
    """Tell whether the same request may do later: a fault of the server, or a limit on the rate."""
    limited = (
        "retry-after" in headers
        or headers.get("x-ratelimit-remaining") == "0"
        or "rate limit" in said.lower()
    )
    return status >= 500 or status == 429 or (status == 403 and limited)


def _told_to_wait(headers: Any) -> float | None:
    """Return the seconds that GitHub asks for, within bounds; `None` where it names none."""
    told = headers.get("retry-after", "")
    return min(LONGEST_WAIT, float(told)) if re.fullmatch("[0-9]{1,6}", told) else None


def keep(api: Api, author: str, run: tuple[int, int], text: str) -> str:
    """Let the pull request have one comment, that of the latest run; return what was done."""
    body = f"<!-- chimera:check {run[0]}.{run[1]} -->\n{text}"
    if len(body) > MOST_CHARACTERS:
        body = f"<!-- chimera:check {run[0]}.{run[1]} -->\n{TOO_LONG}"
    own = _own(api.comments(), author)
    created = None
    if not own:
        created = api.create(body)
        # Another run may have created one meanwhile; and the list may not have ours yet.
        own = {created: run} | _own(api.comments(), author)
    first, *others = sorted(own)
    latest = max(own.values())
    for id in others:
        api.delete(id)
    if first == created and latest <= run:
        return "created the comment"
    if latest > run:
        return "left the comment to a later run"
    api.update(first, body)
    return "updated the comment"


def _own(comments: list[dict[str, Any]], author: str) -> dict[int, tuple[int, int]]:
    """Return the ids of the comments that this script wrote, with the run that wrote each."""
    found = {}
    for comment in comments:
        marker = MARKER.match(comment.get("body") or "")
        if marker and (comment.get("user") or {}).get("login") == author:
            found[int(comment["id"])] = (int(marker[1]), int(marker[2]))
    return found


def main(arguments: list[str]) -> int:
    """Keep the comment, and say what was done; only a mistake in the call fails."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--backoff", type=float, default=1.0)
    given = parser.parse_args(arguments)
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text("utf-8"))
    pull = (event.get("pull_request") or {}).get("number")
    if not isinstance(pull, int):
        print("no comment: this is no pull request")
        return 0
    url, repository = os.environ["GITHUB_API_URL"], os.environ["GITHUB_REPOSITORY"]
    api = Api(url, repository, pull, os.environ["TOKEN"], given.backoff)
    run = int(os.environ["GITHUB_RUN_NUMBER"]), int(os.environ["GITHUB_RUN_ATTEMPT"])
    try:
        print(keep(api, os.environ["AUTHOR"], run, given.file.read_text("utf-8")))
    except RefusedError as error:
        print(_excuse(error))
    return 0


def _excuse(error: RefusedError) -> str:
    """Return a workflow command that says why there is no comment."""
    said = str(error).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    if error.status in {401, 403, 404}:
        why = "this token may not comment, as a fork's may not; the job's summary says the same"
        return f"::notice title=chimera::no comment: {why} ({said})"
    return f"::warning title=chimera::no comment: GitHub did not take it ({said})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
