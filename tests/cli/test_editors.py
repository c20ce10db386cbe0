"""What an editor makes of the exported schemas: a real yaml-language-server, over LSP."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

SERVER = "yaml-language-server@1.25.0"
DOCUMENT = """\
apiVersion: chimera/v1
kind: Policy
metadata: {name: a}
spec:
  matsch: {kinds: [Gate]}
  
  rules:
    - {id: a, expression: "true", message: m, action: denny}
"""  # noqa: W293 - where a field is to be completed


class Client:
    """As much of an editor as opens a file, reads what is wrong, and asks how to go on."""

    def __init__(self, process: subprocess.Popen[bytes], settings: dict[str, Any]) -> None:
        self.process = process
        self.settings = settings
        self.number = 0

    def send(self, method: str, params: Any, **more: Any) -> None:
        self.write({"method": method, "params": params, **more})

    def write(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while header := self.process.stdout.readline().strip():
            name, _, value = header.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server went away"
        message = json.loads(self.process.stdout.read(length))
        assert isinstance(message, dict)
        return message

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Read on, answering what the server asks, until a message is wanted."""
        while True:
            message = self.read()
            if "method" in message and "id" in message:
                asked = message["params"].get("items", ()) if message.get("params") else ()
                answer = [self.settings.get(item.get("section"), {}) for item in asked]
                self.write({"id": message["id"], "result": answer or None})
            if wanted(message):
                return message

    def request(self, method: str, params: Any) -> Any:
        self.number += 1
        self.send(method, params, id=self.number)
        answer = self.until(lambda m: m.get("id") == self.number and "method" not in m)
        return answer["result"]

    def open(self, root: Path, file: Path) -> list[str]:
        """Open a file, and return what the server says is wrong with it."""
        folder = {"uri": root.as_uri(), "name": root.name}
        capabilities = {"workspace": {"configuration": True}}
        self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": root.as_uri(),
                "capabilities": capabilities,
                "workspaceFolders": [folder],
            },
        )
        self.send("initialized", {})
        self.send("workspace/didChangeConfiguration", {"settings": self.settings})
        text = {"uri": file.as_uri(), "languageId": "yaml", "version": 1, "text": file.read_text()}
        self.send("textDocument/didOpen", {"textDocument": text})
        told = self.until(
            lambda m: (
                m.get("method") == "textDocument/publishDiagnostics"
                and m["params"]["diagnostics"] != []
            )
        )
        found = told["params"]["diagnostics"]
        return [f"{d['range']['start']['line'] + 1}: {d['message']}" for d in found]

    def completions(self, file: Path, line: int, column: int) -> dict[str, str]:
        """Return what can stand at a place, with what is said of it."""
        at = {"line": line - 1, "character": column - 1}
        found = self.request(
            "textDocument/completion", {"textDocument": {"uri": file.as_uri()}, "position": at}
        )
        said = {}
        for item in found["items"]:
            told = item.get("documentation", "")
            said[item["label"]] = told["value"] if isinstance(told, dict) else told
        return said


@pytest.fixture
def editor(npm: Callable[..., Path]) -> Iterator[Callable[..., Client]]:
    """Start language servers, and end them."""
    server = npm(SERVER) / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
    started: list[subprocess.Popen[bytes]] = []

    def start(**settings: Any) -> Client:
        process = subprocess.Popen(
            ["node", str(server), "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        # A server that says nothing any more ends, and the test with it.
        timer = threading.Timer(60, process.kill)
        timer.daemon = True
        timer.start()
        return Client(process, {"yaml": {"validate": True, "completion": True, **settings}})

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def document(chimera: Any, tmp_path: Path) -> Path:
    """A policy with two faults, and a line where a field could stand, by its exported schemas."""
    file = tmp_path / "policies" / "a.yaml"
    file.parent.mkdir()
    file.write_text(DOCUMENT)
    assert chimera("schema", "export").code == 0
    return file


def assert_helps(client: Client, root: Path, file: Path, more_lines: int = 0) -> None:
    faults = client.open(root, file)
    assert any(f.startswith(f"{5 + more_lines}: Property matsch") for f in faults), faults
    assert any('Valid values: "deny", "warn", "audit"' in f for f in faults), faults
    offered = client.completions(file, 6 + more_lines, 3)
    assert offered["cases"].startswith("Examples: for every rule")
    assert offered["match"].startswith("What the policy is about")


def test_a_modeline_shows_faults_and_completes_fields(
    editor: Callable[..., Client], document: Path, chimera: Any, tmp_path: Path
) -> None:
    assert chimera("fmt", "--modelines").code == 0
    assert document.read_text().startswith("# yaml-language-server: $schema=../.chimera/schemas/P")
    assert_helps(editor(schemaStore={"enable": False}), tmp_path, document, 1)


def test_one_setting_serves_documents_of_every_kind(
    editor: Callable[..., Client], document: Path, tmp_path: Path
) -> None:
    schema = (tmp_path / ".chimera" / "schemas" / "chimera.json").as_uri()
    client = editor(schemas={schema: ["policies/**/*.yaml"]}, schemaStore={"enable": False})
    assert_helps(client, tmp_path, document)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_the_catalog_finds_the_schema_where_it_is_served(
    editor: Callable[..., Client], document: Path, chimera: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    with served(folder) as url:
        assert chimera("schema", "export", "--to", str(folder), "--url", url).code == 0
        client = editor(schemaStore={"enable": True, "url": f"{url}/catalog.json"})
        assert_helps(client, tmp_path, document)


def test_the_catalog_names_every_schema_that_was_written(chimera: Any, tmp_path: Path) -> None:
    answer = chimera("schema", "export", "--to", "out", "--url", "https://example.org/s/")
    assert answer.code == 0
    catalog = json.loads((tmp_path / "out" / "catalog.json").read_text())
    written = {file.name for file in (tmp_path / "out").iterdir()} - {"catalog.json"}
    urls = {schema["url"] for schema in catalog["schemas"]}
    assert urls == {f"https://example.org/s/{name}" for name in written}
    assert all(schema["description"] for schema in catalog["schemas"])
    assert f"wrote a catalog and {len(written)} schemas to out" in answer.out


def test_the_catalog_speaks_of_the_folder_itself_unless_told(chimera: Any, tmp_path: Path) -> None:
    assert chimera("schema", "export").code == 0
    folder = tmp_path / ".chimera" / "schemas"
    catalog = json.loads((folder / "catalog.json").read_text())
    assert {s["url"].rpartition("/")[0] for s in catalog["schemas"]} == {folder.as_uri()}
