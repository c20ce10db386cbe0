"""Postmortems in Markdown become records; what cannot be read is told, and nothing is guessed."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.builtin.records.importing.importing import Imported, import_pages
from chimera.builtin.records.importing.markdown import Line, sections
from chimera.builtin.records.importing.page import open_page
from chimera.builtin.records.importing.proposing import Settings, propose
from chimera.builtin.records.importing.times import length, moment
from chimera.cli.main import run
from chimera.kinds import Snapshot
from chimera.model import UsageError
from chimera.workspace import Workspace

FRONT = """\
---
incident: INC-042
title: Charged twice
severity: SEV-3
environment: production
start: 2026-11-18T09:00:00Z
end: 2026-11-18 10:30 UTC
commander: Ann Lee
reported-by: Ben
acknowledged: 2026-11-18T09:00:00Z
held: 2026-11-20T09:00:00Z
---
"""
BODY = """\
# Postmortem: Charged twice
<!-- Copy this template. -->

## Summary
A retried webhook booked the charge again.

## Timeline (UTC)
- 09:00 - A customer called
- **09:10** Rolled back
- 2026-11-19T08:00:00+01:00: All money was paid back

## Impact
- **Who:** 12 customers
- What: charged twice
- How long: 1 hour and 30 minutes

## Root cause
The webhook handler had no idempotency key.

```
## not a heading
```

## Detection
A customer called.

## Response
The rollback helped at once.

## Missing guardrails
- A proof that a webhook
  sent twice books once
- An alert

## Action items
| ID | Action | Owner | Priority | Target date |
|----|--------|:-----:|----------|-------------|
| keys | Give webhooks `idempotency` keys, everywhere | Ben | High | 2026-12-24 |

## Follow-up
- keys: done 2026-11-20T10:00:00Z by Ben; reduced risk: yes
"""
LIST = """\
## Action items
- [ ] Rotate keys (AWS, GCP) - owner: Ben, priority: low, due: 2026-12-01
- [x] Say so in the wiki (owner: Ann)
- Think
"""


@pytest.fixture
def repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    assert run(["-C", str(root), "init"]) == 0
    capsys.readouterr()
    return root


def imported(root: Path, *texts: str, **given: Any) -> tuple[Imported, ...]:
    files = []
    for number, text in enumerate(texts):
        files.append(root / f"page-{number}.md")
        files[-1].write_text(text)
    return import_pages(Workspace.open(root), files, Settings(**given), write=True)


def spec(root: Path, kind: str, name: str = "inc-042") -> Any:
    folder = {"Incident": "incidents", "Postmortem": "postmortems"}[kind]
    return yaml.safe_load((root / "changelog" / folder / f"{name}.yaml").read_text())["spec"]


def test_a_page_becomes_an_incident_and_its_review(repository: Path) -> None:
    (done,) = imported(repository, FRONT + BODY)
    assert (done.refused, done.unread, done.missing) == ((), (), ())
    unsaid = "not said in page-0.md"
    assert spec(repository, "Incident") == {
        "title": "Charged twice",
        "environment": "production",
        "model": "SeverityModel/sev",
        "assessments": [
            {
                "at": "2026-11-18T09:00:00Z",
                "by": "Ann Lee",
                "level": "SEV-3",
                "reason": unsaid,
            }
        ],
        "opened": {"at": "2026-11-18T09:00:00Z", "by": "Ben"},
        "acknowledged": {"at": "2026-11-18T09:00:00Z", "by": "Ann Lee"},
        "commands": [{"by": "Ann Lee", "from": "2026-11-18T09:00:00Z"}],
        "resolved": {
            "at": "2026-11-18T10:30:00Z",
            "by": "Ann Lee",
            **dict.fromkeys(("impact", "risk", "monitoring"), unsaid),
        },
        "postmortem": "Postmortem/inc-042",
    }
    assert spec(repository, "Postmortem") == {
        "incident": "Incident/inc-042",
        "summary": "A retried webhook booked the charge again.",
        "held": "2026-11-20T09:00:00Z",
        "timeline": [
            {"at": "2026-11-18T09:00:00Z", "text": "A customer called"},
            {"at": "2026-11-18T09:10:00Z", "text": "Rolled back"},
            {"at": "2026-11-19T08:00:00+01:00", "text": "All money was paid back"},
        ],
        "impact": {"who": "12 customers", "what": "charged twice", "duration": "1h30m"},
        "rootCause": "The webhook handler had no idempotency key.\n\n```\n## not a heading\n```",
        "detection": "A customer called.",
        "response": "The rollback helped at once.",
        "missingGuardrails": ["A proof that a webhook sent twice books once", "An alert"],
        "actions": [
            {
                "id": "keys",
                "description": "Give webhooks idempotency keys, everywhere",
                "owner": "Ben",
                "priority": "high",
                "due": "2026-12-24",
                "done": {"at": "2026-11-20T10:00:00Z", "by": "Ben", "reducedRisk": True},
            }
        ],
    }


def test_what_nobody_said_is_what_a_check_asks_for(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(repository, FRONT + BODY)
    assert run(["-C", str(repository), "check", "--now", "2026-11-21T12:00:00Z"]) == 1
    told = capsys.readouterr().out
    assert told.count("error[incident-resolution-empty]") == 3
    assert told.count("error[") == 3


def test_items_of_a_list_are_read_as_far_as_they_say_something(repository: Path) -> None:
    (done,) = imported(repository, FRONT + LIST)
    rotate, say, think = spec(repository, "Postmortem")["actions"]
    assert rotate == {
        "id": "action-1",
        "description": "Rotate keys (AWS, GCP)",
        "owner": "Ben",
        "priority": "low",
        "due": "2026-12-01",
    }
    assert say == {"id": "action-2", "description": "Say so in the wiki", "owner": "Ann"}
    assert think == {"id": "action-3", "description": "Think"}
    ((line, _, why),) = done.unread
    assert (line, "left open" in why) == (15, True)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("## Timeline (UTC)\n- about ten: quiet", 14, "begins with no time"),
        ("## Timeline\n- 09:00 A customer called", 14, "has no zone"),
        ("## Timeline (UTC)\n- 09:00 A\n- 08:00 B", 15, "clock goes back"),
        ("## Timeline (UTC)\n- 25:00 A", 14, "is none"),
        ("## Timeline (UTC)\n- 09:00", 14, "nothing besides"),
        ("## Impact\n- What: x\n- Duration: an hour or so", 15, "no length of time"),
        ("## Impact\n- What: x\n- Customers complained", 15, "none of who"),
        ("## Lessons learned\nmany", 13, "1 line left out"),
        ("## Detection\nearly\n## Detection\nlate", 15, "line 13 says it already"),
        ("## Action items\nDo it.", 14, "no item of a list"),
        ("## Action items\n- a (owner: B, due: friday)", 14, "no day"),
        ("## Action items\n- a (priority: urgent)", 14, "high, medium or low"),
        ("## Action items\n| Owner | What |\n|--|--|\n| Ben | |", 16, "what is to be done"),
        ("## Action items\n| Cost | What |\n|--|--|\n| 1 | a |", 16, "no field of an action"),
        ("## Follow-up\n- keys: done", 14, "names no action item"),
        ("Words above", 13, "stands under no heading"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(
    repository: Path, text: str, line: int, why: str
) -> None:
    (done,) = imported(repository, FRONT + text + "\n")
    assert [(one.line, why in one.why) for one in done.unread] == [(line, True)], done.unread
    assert done.written


@pytest.mark.parametrize(
    ("old", "new", "line", "why"),
    [
        ("severity: SEV-3", "severity: SEV-9", 4, "none of the severity models"),
        ("severity: SEV-3\n", "", 1, "write severity"),
        ("environment: production\n", "", 1, "--env"),
        ("start: 2026-11-18T09:00:00Z", "start: 2026-11-18", 1, "write start"),
        ("end: 2026-11-18 10:30 UTC", "end: 10:30", 1, "write end"),
        ("title: Charged twice", "title: " + "x" * 201, 3, "200 characters"),
        ("incident: INC-042", "incident: Ä", 2, "named by lower-case"),
        ("---\nincident", "---\n- incident", 1, "cannot be read"),
        ("title: Charged", "title: 'Charged", 1, "cannot be read"),
        ("title: Charged", "incident: again\ntitle: Charged", 1, "cannot be read"),
        ("title: Charged", "title: !!python/object:os.system Charged", 1, "cannot be read"),
    ],
)
def test_what_an_incident_cannot_be_without_refuses_the_page(
    repository: Path, old: str, new: str, line: int, why: str
) -> None:
    (done, other) = imported(
        repository, FRONT.replace(old, new, 1), FRONT.replace("INC-042", "INC-043")
    )
    assert not done.written
    assert any(one.line == line and why in one.why for one in done.refused), done.refused
    assert other.written
    assert not (repository / "changelog" / "incidents" / "inc-042.yaml").exists()


def test_flags_say_what_no_page_does(repository: Path) -> None:
    page = FRONT.replace("environment: production\n", "")
    (done,) = imported(repository, page, environment="local", model="sev")
    assert done.written
    assert spec(repository, "Incident")["environment"] == "local"


def test_nothing_is_written_over(repository: Path) -> None:
    imported(repository, FRONT + BODY)
    before = (repository / "changelog" / "postmortems" / "inc-042.yaml").read_bytes()
    (again, other) = imported(repository, FRONT + LIST, FRONT.replace("INC-042", "INC-043"))
    assert "already" in again.refused[0].why
    assert other.written
    assert (repository / "changelog" / "postmortems" / "inc-042.yaml").read_bytes() == before
    twice = FRONT.replace("INC-042", "INC-044")
    assert [bool(one.written) for one in imported(repository, twice, twice)] == [True, False]


def test_an_incident_that_is_there_gets_its_review_and_says_the_rest_itself(
    repository: Path,
) -> None:
    assert run(["-C", str(repository), "new", "Incident", "inc-042"]) == 0
    file = repository / "changelog" / "incidents" / "inc-042.yaml"
    before = file.read_text()
    (done,) = imported(repository, FRONT + BODY)
    assert [str(name) for _, name in done.written] == ["Postmortem/inc-042"]
    assert all("says it itself" in one.why for one in done.unread)
    assert spec(repository, "Incident")["postmortem"] == "Postmortem/inc-042"
    assert set(before.splitlines()) <= set(file.read_text().splitlines())


def test_the_shipped_template_is_understood(repository: Path) -> None:
    template = Path(__file__).parents[4] / "specs/layers/operations/POSTMORTEM_TEMPLATE.md"
    (done,) = imported(repository, FRONT + template.read_text())
    assert done.written
    assert {one.why.partition(";")[0] for one in done.unread} == {
        "it begins with no time",
        "it is no item of a list, and no row of a table",
        "it names no action item that is open by its id",
        "it stands under no heading",
    }


def test_the_command_says_all_of_it(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = repository / "good.md", repository / "bad.md"
    good.write_text(FRONT + "## Lessons\nmany\n")
    bad.write_text("# nothing\n")
    command = ["-C", str(repository), "import", "postmortems", str(good), str(bad)]
    assert run([*command, "--dry-run"]) == 1
    assert "would write" in capsys.readouterr().out
    assert not (repository / "changelog" / "incidents").exists()
    assert run([*command, "-o", "json"]) == 1
    told = yaml.safe_load(capsys.readouterr().out)
    assert [bool(file["written"]) for file in told["files"]] == [True, False]
    assert told["files"][0]["unread"][0]["line"] == 13


HOSTILE: list[tuple[bytes, str]] = [
    (b"\xff\xfe", "not UTF-8"),
    (b"---\ntitle: a\x00b\n---\n", "cannot be shown"),
    ("# \u202egnp.exe\n".encode(), "cannot be shown"),
    (b"x" * (2 * 1024 * 1024 + 1), "larger than"),
    (b"---\n" + b"a: &a [*a]\n---\n", "cannot be read"),
    (b"---\n" + b"[" * 5000 + b"\n---\n", "cannot be read"),
]


@pytest.mark.parametrize(("data", "why"), HOSTILE, ids=[why for _, why in HOSTILE])
def test_what_is_no_page_is_refused(repository: Path, data: bytes, why: str) -> None:
    file = repository / "page.md"
    file.write_bytes(data)
    (done,) = import_pages(Workspace.open(repository), [file], Settings(), write=True)
    assert why in done.refused[0].why


def test_what_is_no_file_is_refused_at_once(repository: Path) -> None:
    os.mkfifo(repository / "pipe.md")
    files = [repository / "pipe.md", repository, repository / "none.md"]
    done = import_pages(Workspace.open(repository), files, Settings(), write=True)
    assert all(one.refused for one in done)


@given(
    st.lists(
        st.sampled_from(
            [
                *("# Timeline (UTC)", "## Action items", "## Impact", "## Summary", "## Follow-up"),
                *("- a", "- [x] b (owner: c", "| a | b |", "|--|--|", "- 09:00 x", "```", "<!--"),
                *(
                    "-->",
                    "",
                    "  more",
                    "Severity: SEV-1",
                    "---",
                    "===",
                    "- : :",
                    "|",
                    "- 1: done x",
                ),
            ]
        ),
        max_size=14,
    )
)
@settings(max_examples=150)
def test_any_page_is_read_or_told_of_and_every_line_is_one_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, empty: Snapshot, lines: list[str]
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.md"
    file.write_text("\n".join(lines))
    try:
        page = open_page(file, "any.md")
    except UsageError:
        assert lines[0] == "---"
        return
    proposal = propose(page, empty, Settings())
    assert all(1 <= one.line <= max(1, len(lines)) for one in proposal.unread)
    assert proposal.refused


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return Workspace.open(tmp_path_factory.mktemp("empty")).loaded.snapshot


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("40 minutes", "40m"),
        ("1 hour 30 minutes", "1h30m"),
        ("1h30m", "1h30m"),
        ("2 days", "48h"),
        ("90s", "1m30s"),
        ("1 h, 5 min and 3 secs", "1h5m3s"),
        ("about 40 minutes", None),
        ("40 minutes or so", None),
        ("40", None),
        ("3 months", None),
        ("", None),
    ],
)
def test_lengths_of_time_are_read_where_they_are_clear(text: str, read: str | None) -> None:
    assert length(text) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-11-18T09:00:00Z", "2026-11-18T09:00:00Z"),
        ("2026-11-18 9:00 UTC", "2026-11-18T09:00:00Z"),
        ("2026-11-18 09:00 (UTC)", "2026-11-18T09:00:00Z"),
        ("2026-11-18 09:00 +0200", "2026-11-18T09:00:00+0200"),
        ("2026-11-18 09:00", None),
        ("2026-02-30 09:00 UTC", None),
        ("18.11.2026 09:00 UTC", None),
        ("2026-11-18 09:00 CET", None),
    ],
)
def test_moments_are_read_with_their_zones(text: str, read: str | None) -> None:
    assert moment(text) == read


def test_headings_are_told_from_what_is_fenced_commented_or_ruled() -> None:
    text = textwrap.dedent(
        """\
        Summary
        -------
        a
        ~~~
        # b
        ~~~
        <!-- # c
        # d -->
        - e
        ---
        # f #
        """
    )
    found = sections([Line(number, line) for number, line in enumerate(text.split("\n"), 1)])
    assert [(one.title, one.number) for one in found] == [("", 1), ("Summary", 1), ("f", 11)]
