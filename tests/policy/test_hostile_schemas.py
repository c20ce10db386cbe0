"""Schemas and files made to hang, to exhaust memory or to reach outside.

Every validation stands under a bound after which its process is ended, and the file is then
undecided: what must be decided would fail here where it hung.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from chimera.policy import Bounds
from chimera.policy.schemas.judge import judge_schemas

from .claiming import Claimed
from .conftest import Bench, findings, rules_of

HANG = 10.0  # seconds for what takes milliseconds; the process is ended after them


@pytest.fixture
def claimed(bench: Bench) -> Claimed:
    return Claimed(bench)


def explosive(depth: int = 60) -> dict[str, Any]:
    """Every definition asks for the next one twice: 2**depth ways to fail."""
    twice = {
        f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]}
        for n in range(depth)
    }
    return {"$ref": "#/$defs/d0", "$defs": {**twice, f"d{depth}": {"type": "string"}}}


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("schema", "instance", "found"),
    [
        ({"pattern": "^(a+)+$"}, "a" * 50_000 + "!", ["schema-violated"]),
        ({"pattern": "(a*)*(a*)*(a*)*b$"}, "a" * 50_000, ["schema-violated"]),
        ({"pattern": "^(a|a|aa)*$"}, "a" * 50_000 + "!", ["schema-violated"]),
        ({"patternProperties": {"^(a+)+$": False}}, {"a" * 5_000 + "!": 1}, []),
        ({"propertyNames": {"pattern": "^(a+)+$"}}, {"a" * 5_000 + "!": 1}, ["schema-violated"]),
        ({"uniqueItems": True}, [{"a": n} for n in range(50_000)], []),
        ({"uniqueItems": True}, [[[n], {"b": "x" * 5}] for n in range(30_000)], []),
        ({"items": {"type": "string"}}, list(range(100_000)), ["schema-violated"]),
        ({"items": {"$ref": "#"}, "type": "array"}, nested(95), ["schema-violated"]),
        ({"anyOf": [{"type": "integer"}, {"items": {"$ref": "#"}}]}, nested(95), []),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, 1, []),
        ({"allOf": [{"$ref": "#"}]}, 1, []),
        ({"enum": list(range(100_000))}, -1, ["schema-violated"]),
        ({"contains": {"const": -1}}, list(range(100_000)), ["schema-violated"]),
        ({"maxLength": 1}, "😀" * 200_000, ["schema-violated"]),
    ],
)
def test_what_could_take_forever_elsewhere_is_decided(
    claimed: Claimed, schema: dict[str, Any], instance: Any, found: list[str]
) -> None:
    claimed.schema("x.json", schema=schema)
    claimed.file("x.json", json.dumps(instance, ensure_ascii=False))
    verdicts = claimed.judge(seconds=HANG)
    assert sorted(set(rules_of(verdicts))) == found


def test_a_schema_that_takes_too_long_refuses_and_leaves_the_others_alone(claimed: Claimed) -> None:
    claimed.schema("*.json", name="a", schema={"type": "integer"})
    claimed.schema("*.json", name="b", schema=explosive())
    claimed.schema("*.json", name="c", schema={"type": "string"})
    claimed.file("x.json", "1")
    claimed.file("y.json", "2")
    verdicts = claimed.judge(seconds=1.0)
    assert findings(verdicts) == {
        ("Schema/a", "x.json"): "pass",
        ("Schema/a", "y.json"): "pass",
        ("Schema/b", "x.json"): "fail",
        ("Schema/b", "y.json"): "fail",
        ("Schema/c", "x.json"): "fail",
        ("Schema/c", "y.json"): "fail",
    }
    said = claimed.located(verdicts)
    assert [(d.rule, str(d.span)) for d in said if d.rule == "schema-undecided"] == [
        ("schema-undecided", "x.json:1:1")
    ]


def test_after_a_few_lost_processes_nothing_more_is_tried(claimed: Claimed) -> None:
    for name in "abc":
        claimed.schema("*.json", name=name, schema=explosive())
    claimed.file("x.json", "1")
    verdicts = claimed.judge(seconds=0.5, losses=1)
    assert set(findings(verdicts).values()) == {"fail"}
    assert [v.reasons[0].partition(": ")[2] for v in verdicts] == [
        "it took longer than 0.5 seconds and was ended",
        "too many processes were lost to validate anything more",
        "too many processes were lost to validate anything more",
    ]


def test_a_schema_that_takes_too_much_memory_refuses(claimed: Claimed) -> None:
    claimed.schema("*.json", schema=explosive(24))
    claimed.file("x.json", "1")
    bounds = Bounds(seconds=60.0, memory_bytes=256 * 1024 * 1024)
    (verdict,) = judge_schemas(claimed.bench.subject(), bounds)
    assert verdict.reasons == (
        "Schema/s could not be judged and so refuses: the process that validates died of it",
    )


class _Web(BaseHTTPRequestHandler):
    """Answers every request with a schema that takes anything, and keeps count."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _Web)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_nothing_is_fetched_from_anywhere(claimed: Claimed, web: HTTPServer) -> None:
    there = f"http://127.0.0.1:{web.server_port}"
    outside = claimed.bench.root.parent / "outside.json"
    outside.write_text("{}")
    claimed.file("lib/a.json", json.dumps({"$ref": f"{there}/a.json"}))
    claimed.schema(
        "x.json",
        uses=["lib/*.json"],
        schema={
            "properties": {
                "a": {"$ref": f"{there}/b.json"},
                "b": {"$ref": outside.as_uri()},
                "c": {"$ref": "../../outside.json"},
                "d": {"$schema": f"{there}/dialect.json"},
                "e": {"$id": f"{there}/", "$ref": "relative.json"},
            }
        },
    )
    claimed.file("x.json", "{}")
    verdicts = claimed.judge(seconds=HANG)
    assert findings(verdicts) == {("Schema/s", "Schema/s"): "fail"}
    assert rules_of(verdicts) == ["schema-reference-dangling"] * 5
    assert web.asked == []  # type: ignore[attr-defined]


def test_symlinks_are_no_schema_files(claimed: Claimed) -> None:
    outside = claimed.bench.root.parent / "outside.json"
    outside.write_text("{}")
    (claimed.bench.root / "link.json").symlink_to(outside)
    claimed.schema("x.json", name="file", file="link.json")
    claimed.schema("x.json", name="uses", uses=["*.json"], schema={"$ref": "../link.json"})
    claimed.file("x.json", "{}")
    assert rules_of(claimed.judge()) == ["schema-file-missing", "schema-reference-dangling"]


def test_a_schema_too_large_or_too_deep_is_refused(claimed: Claimed) -> None:
    claimed.file("large.json", json.dumps({"enum": ["x" * 1000] * 3000}))
    claimed.file("deep.json", '{"items": ' * 150 + "{}" + "}" * 150)
    claimed.schema("x.json", name="a", file="large.json")
    claimed.schema("x.json", name="b", file="deep.json")
    claimed.file("x.json", "{}")
    assert rules_of(claimed.judge()) == ["yaml-too-deep", "yaml-too-large"]


def test_a_flood_of_faults_is_cut_and_said_to_be(claimed: Claimed) -> None:
    claimed.schema("x.json", schema={"items": {"type": "string"}})
    claimed.file("x.json", json.dumps(list(range(500))))
    said = claimed.located()
    assert len(said) == 101
    assert said[0].message == "the document has more faults than the 100 that are told"


def test_what_a_document_says_reaches_no_terminal_raw(claimed: Claimed) -> None:
    claimed.schema("x.json", schema={"additionalProperties": False, "maxLength": 1})
    claimed.file("x.json", '{"\\u001b[31m\\u202e": 1}')
    (fault,) = claimed.located()
    assert fault.message.isprintable()
