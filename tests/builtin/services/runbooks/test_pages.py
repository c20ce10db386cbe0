"""Runbooks as pages: everything is there, nothing runs, and nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

from markdown_it import MarkdownIt

from chimera.builtin.services.runbooks.pages import html, markdown
from chimera.builtin.services.runbooks.procedures import runbook_named
from chimera.workspace import Workspace
from tests.builtin.services.runbooks.conftest import procedure

Write = Callable[..., None]
Open = Callable[..., Workspace]
EVIL = '<script>alert(1)</script> [x](javascript:1) ![](http://evil/a.png) "q" & `code`'


class Tags(HTMLParser):
    """Gathers the tags of a page, and what they lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]


def pages(write: Write, opened: Open) -> tuple[str, str]:
    write(
        procedure(
            {"title": EVIL, "command": ["echo", EVIL], "risk": "reads", "save": "a.txt"},
            {"title": "restart", "instruction": EVIL, "risk": "changes"},
            {"title": "look", "check": {"http": {"url": "http://a/health", "contains": "ok"}}},
            symptoms=[EVIL],
            notes=[EVIL],
            cadence="daily",
        ),
        {**procedure({"command": ["true"]}), "id": "second"},
    )
    book = runbook_named(opened().loaded.snapshot, "book")
    return html(book, book.spec.procedures), markdown(book, book.spec.procedures)


def test_html_is_one_file_without_scripts_that_fetches_nothing(write: Write, opened: Open) -> None:
    page, _ = pages(write, opened)
    tags = Tags()
    tags.feed(page)
    assert not tags.tags & {"script", "img", "link", "iframe", "object", "form"}
    assert tags.links == ["#p", "#second"]
    assert "default-src 'none'" in page
    assert page.count("<script") == 0
    assert "&lt;script&gt;" in page
    assert "changes</span>" in page
    assert "&gt; a.txt" in page


def test_markdown_shows_text_and_makes_nothing_of_it(write: Write, opened: Open) -> None:
    _, page = pages(write, opened)
    made = MarkdownIt("commonmark").render(page)
    assert not re.search(r"<(script|img|a )", made)
    assert "<ol>" in made
    assert made.count("<pre>") == 3
    assert "GET http://a/health" in made


def test_commands_print_the_pages(
    write: Write, opened: Open, chimera: Callable[..., object]
) -> None:
    page, text = pages(write, opened)
    shown: object = chimera("runbook", "show", "book", "-o", "html")
    assert getattr(shown, "out", "") == page
    shown = chimera("runbook", "show", "book", "-o", "markdown")
    assert getattr(shown, "out", "") == text
