"""The sticky comment, against a fake API server: none of this has been tried on GitHub itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / ".github" / "actions" / "chimera" / "comment.py"


@pytest.fixture
def comment(fake_github: Any, tmp_path: Path) -> Any:
    """Run the script as the action does, and return what it said."""

    def run(
        text: str = "report",
        number: int = 1,
        token: str = "good",
        event: Any = {"pull_request": {"number": 7}},  # noqa: B006 - never changed
        url: str = "",
    ) -> str:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))  # two runs at once may ask for one
        (folder / "event.json").write_text(json.dumps(event))
        (folder / "summary.md").write_text(text, "utf-8")
        done = subprocess.run(
            [sys.executable, "-I", SCRIPT, folder / "summary.md", "--backoff", "0.001"],
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("GITHUB")},
                "GITHUB_API_URL": url or fake_github.url,
                "GITHUB_REPOSITORY": "team/repo",
                "GITHUB_EVENT_PATH": str(folder / "event.json"),
                "GITHUB_RUN_NUMBER": str(number),
                "GITHUB_RUN_ATTEMPT": "1",
                "TOKEN": token,
                "AUTHOR": "github-actions[bot]",
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert token not in done.stdout + done.stderr
        return done.stdout.strip()

    return run


def test_the_first_run_creates_the_comment_and_the_next_changes_it(
    fake_github: Any, comment: Any
) -> None:
    assert comment("one") == "created the comment"
    assert comment("two ✅", 2) == "updated the comment"
    assert fake_github.own == ["<!-- chimera:check 2.1 -->\ntwo ✅"]


def test_the_comment_is_found_behind_many_others(fake_github: Any, comment: Any) -> None:
    for number in range(150):
        fake_github.add(f"hello {number}", "ann")
    fake_github.add("<!-- chimera:check 1.1 -->\nold")
    for number in range(60):
        fake_github.add(f"goodbye {number}", "ann")
    assert comment("new", 2) == "updated the comment"
    assert fake_github.own == ["<!-- chimera:check 2.1 -->\nnew"]
    assert [r.partition("page=100&")[2] for r in fake_github.requests[:3]] == [
        "page=1",
        "page=2",
        "page=3",
    ]


def test_somebody_elses_comment_with_the_marker_is_left_alone(
    fake_github: Any, comment: Any
) -> None:
    fake_github.add("<!-- chimera:check 9.9 -->\nforged", "mallory")
    fake_github.add("a bot's other comment")
    assert comment("mine") == "created the comment"
    assert [c["body"] for c in fake_github.comments] == [
        "<!-- chimera:check 9.9 -->\nforged",
        "a bot's other comment",
        "<!-- chimera:check 1.1 -->\nmine",
    ]


def test_an_earlier_run_does_not_overwrite_a_later_one(fake_github: Any, comment: Any) -> None:
    comment("late", 10)
    assert comment("early", 9) == "left the comment to a later run"
    assert fake_github.own == ["<!-- chimera:check 10.1 -->\nlate"]


def test_two_runs_at_once_leave_one_comment(fake_github: Any, comment: Any) -> None:
    """Both have looked, and seen none, before either writes."""
    fake_github.meet = threading.Barrier(2)
    with ThreadPoolExecutor() as pool:
        said = list(pool.map(lambda number: comment(f"run {number}", number), (1, 2)))
    assert fake_github.requests.count("POST /repos/team/repo/issues/7/comments") == 2
    assert fake_github.own == ["<!-- chimera:check 2.1 -->\nrun 2"], said


@pytest.mark.parametrize(
    "trouble",
    [
        [(502, {})],
        [(500, {}), (503, {}), (502, {}), (504, {})],
        [(429, {"retry-after": "0"})],
        [(403, {"retry-after": "0"})],
        [(403, {"x-ratelimit-remaining": "0"})],
    ],
)
def test_what_may_pass_is_tried_again(fake_github: Any, comment: Any, trouble: Any) -> None:
    fake_github.trouble = list(trouble)
    assert comment() == "created the comment"
    assert len(fake_github.requests) == len(trouble) + 3


def test_a_server_that_stays_broken_is_a_warning_after_few_attempts(
    fake_github: Any, comment: Any
) -> None:
    fake_github.trouble = [(502, {})] * 50
    said = comment()
    assert said.startswith("::warning title=chimera::no comment: GitHub did not take it (502: ")
    assert len(fake_github.requests) == 5


def test_a_server_that_is_not_there_is_a_warning(comment: Any) -> None:
    assert comment(url="http://127.0.0.1:9").startswith("::warning title=chimera::no comment:")


@pytest.mark.parametrize("token", ["read-only", "expired"])
def test_a_token_that_may_not_comment_is_a_notice(
    fake_github: Any, comment: Any, token: str
) -> None:
    said = comment(token=token)
    assert said.startswith("::notice title=chimera::no comment: this token may not comment")
    assert len(said.splitlines()) == 1
    assert fake_github.own == []


def test_a_body_that_is_too_long_gives_way_to_a_whole_one(fake_github: Any, comment: Any) -> None:
    assert comment("<details>\n" + "x" * 70_000) == "created the comment"
    (body,) = fake_github.own
    assert "too long for a comment" in body
    assert "<details>" not in body


def test_what_is_no_pull_request_gets_no_comment(fake_github: Any, comment: Any) -> None:
    assert comment(event={"merge_group": {}}) == "no comment: this is no pull request"
    assert fake_github.requests == []
