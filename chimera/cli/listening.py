"""Showing what runs publish while they go on, beside what the command itself has to say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

from chimera.cli.session import Session

if TYPE_CHECKING:
    from chimera.runtime.listening import Listener


@contextmanager
def show_published(session: Session, pattern: str, environment: str) -> Iterator[None]:
    """Show on standard error what is published under topics of a pattern until the block ends."""
    from chimera.workspace.listening import listen

    workspace = session.workspace()
    listener = listen(workspace, pattern, environment)
    session.listeners = listeners = workspace.listeners
    assert listeners is not None
    thread = Thread(target=_show, args=(session, listener), name="listener", daemon=True)
    thread.start()
    try:
        yield
    finally:
        listeners.close()
        thread.join()
        if listener.missed:
            session.warn(f"{listener.missed} messages came too fast to be shown")


def _show(session: Session, listener: Listener) -> None:
    from chimera.render.paint import harmless

    for said in listener:
        text = harmless(f"{said.topic} {json.dumps(said.payload, ensure_ascii=False)}")
        session.tell(lambda paint, text=text: text)  # type: ignore[misc]
