"""Each format is what its own readers take, and holds nothing that a document smuggles in."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from math import ceil, floor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from chimera.model import Action
from chimera.render.graph.dot import graph_dot
from chimera.render.graph.html import graph_html
from chimera.render.graph.layout import card_lines, lay_out
from chimera.render.graph.mermaid import graph_mermaid
from chimera.render.graph.palette import FATES, HUES, STYLE
from chimera.render.graph.svg import graph_svg, labels
from chimera.render.graph.tree import graph_json, graph_text
from chimera.render.paint import harmless
from chimera.workspace.graphing import Edge, Graph, Group, Node
from tests.render.graph.shapes import HOSTILE, graph_of, graphs, many

SVG = "{http://www.w3.org/2000/svg}"
MERMAID = ("mermaid@12.3.0", "jsdom@26.1.0")
GRAPHVIZ = ("@hpcc-js/wasm-graphviz@1.29.2",)

READ_MERMAID = """
import { createRequire } from "module";
import { pathToFileURL } from "url";
const require = createRequire(process.argv[1] + "/node_modules/");
const { JSDOM } = require("jsdom");
const { window } = new JSDOM("");
Object.assign(globalThis, { window, document: window.document });
const entry = process.argv[1] + "/node_modules/mermaid/dist/mermaid.core.mjs";
const { default: mermaid } = await import(pathToFileURL(entry));
let text = "";
for await (const chunk of process.stdin) text += chunk;
mermaid.initialize({ maxTextSize: 5e6, maxEdges: 1e5 });
const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
const plain = (text) => text.replace(/\\ufb02\\u00b0\\u00b0(\\d+)\\u00b6\\u00df/g,
  (_, code) => String.fromCodePoint(Number(code)));
console.log(JSON.stringify({
  nodes: [...db.getVertices().values()].map((v) => [v.id, plain(v.text)]),
  edges: db.getEdges().map((e) => [e.start, e.end]),
  lanes: db.getSubGraphs().map((g) => plain(g.title)),
}));
"""
READ_DOT = """
import { pathToFileURL } from "url";
const entry = process.argv[1] + "/node_modules/@hpcc-js/wasm-graphviz/dist/index.js";
const { Graphviz } = await import(pathToFileURL(entry));
let text = "";
for await (const chunk of process.stdin) text += chunk;
console.log((await Graphviz.load()).layout(text, "json", "dot"));
"""
USE_PAGE = """
import { createRequire } from "module";
const { JSDOM } = createRequire(process.argv[1] + "/node_modules/")("jsdom");
let text = "";
for await (const chunk of process.stdin) text += chunk;
const { window } = new JSDOM(text, { runScripts: "dangerously" });
const { document } = window;
const marked = (name) => [...document.querySelectorAll(".card." + name)].map((c) => c.dataset.key);
const said = {};
const field = document.querySelector("input");
field.value = "REFUND";
field.dispatchEvent(new window.Event("input"));
said.hits = marked("hit");
said.told = document.querySelector("output").textContent;
const card = document.querySelector('.card[data-key="Gate/a"]');
const fire = (kind) => card.dispatchEvent(
  new window.MouseEvent(kind, { bubbles: true, clientX: 5, clientY: 5 }));
fire("pointerdown");
fire("pointerup");
said.lit = marked("lit");
const before = document.querySelector("body > svg").getAttribute("viewBox");
document.getElementById("in").click();
const after = document.querySelector("body > svg").getAttribute("viewBox");
said.zoomed = after !== before;
document.getElementById("fit").click();
said.whole = document.querySelector("body > svg").getAttribute("viewBox") === before;
console.log(JSON.stringify(said));
"""


def node(program: str, folder: Path, text: str) -> Any:
    """Run a program of node on `text`, and return what it says."""
    call = ["node", "--input-type=module", "-e", program, str(folder)]
    done = subprocess.run(call, input=text, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{done.stderr}\n{text[:3000]}"
    return json.loads(done.stdout)


def hostile() -> Graph:
    """Return a graph in which every text is an attack."""
    groups = tuple(Group(f"c/{text}", "c", text, True) for text in HOSTILE)
    nodes = [
        Node(f"Gate/{text}", "Gate", text, text, text, f"c/{text}", (text,), notes=(text,))
        for text in HOSTILE
    ]
    edges = [Edge(nodes[0].key, node.key, (node.name,)) for node in nodes[1:]]
    return graph_of(nodes, edges, groups)


def small() -> Graph:
    nodes = [Node(f"Gate/{n}", "Gate", n) for n in ("a", "b", "refund-c")]
    return graph_of(nodes, [Edge("Gate/a", "Gate/b", ("requires.proofs",))])


GRAPHS = pytest.mark.parametrize(
    "graph", [small(), hostile(), many(500), graph_of([], [])], ids=["small", "hostile", "500", "0"]
)


@GRAPHS
def test_mermaid_reads_every_document_and_reference(graph: Graph, npm: Callable[..., Path]) -> None:
    read = node(READ_MERMAID, npm(*MERMAID), graph_mermaid(graph))
    ids = {n.key: f"n{number}" for number, n in enumerate(graph.nodes)}
    assert sorted(found for found, _ in read["nodes"]) == sorted(ids.values())
    wanted = sorted([ids[edge.source], ids[edge.target]] for edge in graph.edges)
    assert sorted(read["edges"]) == wanted


def test_mermaid_shows_what_is_written(npm: Callable[..., Path]) -> None:
    read = node(READ_MERMAID, npm(*MERMAID), graph_mermaid(hostile()))
    shown = {text.split("<br")[0] for _, text in read["nodes"]}
    named = {harmless(card_lines(n)[0][0]).replace("\n", " ") for n in hostile().nodes}
    assert {" ".join(t.split()) for t in shown} == {" ".join(t.split()) for t in named}


@GRAPHS
def test_graphviz_draws_every_document_and_reference(
    graph: Graph, npm: Callable[..., Path]
) -> None:
    drawn = node(READ_DOT, npm(*GRAPHVIZ), graph_dot(graph))
    objects = [o for o in drawn.get("objects", ()) if not o["name"].startswith("cluster_")]
    assert len(objects) == len(graph.nodes)
    assert len(drawn.get("edges", ())) == len(graph.edges)
    if graph == small():
        assert {o["name"] for o in objects} == {"Gate/a", "Gate/b", "Gate/refund-c"}


@given(graphs())
def test_the_svg_is_well_formed_and_holds_text_and_shapes_alone(graph: Graph) -> None:
    root = ElementTree.fromstring(graph_svg(graph))
    allowed = {"svg", "title", "style", "defs", "marker", "path", "rect", "g", "text"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= allowed
    named = {name for element in root.iter() for name in element.attrib}
    assert not {name for name in named if name.startswith("on") or "href" in name}
    assert [e.text for e in root.iter(f"{SVG}style")] == [STYLE]
    cards = [e for e in root.iter(f"{SVG}g") if "data-key" in e.attrib]
    assert len(cards) == len(graph.nodes)
    edges = [e for e in root.iter(f"{SVG}path") if "data-from" in e.attrib]
    assert len(edges) == len(graph.edges)


def test_a_tooltip_says_address_file_and_line() -> None:
    graph = graph_of([Node("Gate/a", "Gate", "a", "Guards a.", "specs/a.yaml:3")], [])
    root = ElementTree.fromstring(graph_svg(graph))
    titles = [e.text for e in root.iter(f"{SVG}title")]
    assert "Gate/a\nspecs/a.yaml:3\nGuards a." in titles


def test_a_changed_path_is_drawn_as_changed_and_called_neither_compatible_nor_breaking() -> None:
    for action in (Action.UPDATE, Action.DELETE):
        node = Node("paths:src/**", "paths", "src/**", reach="changed", action=action)
        drawn = graph_svg(graph_of([node], []))
        assert "fated changed" in drawn
        assert "changed: " not in drawn


@given(graphs())
@settings(max_examples=20)
def test_order_changes_nothing(graph: Graph) -> None:
    turned = graph_of(list(reversed(graph.nodes)), list(reversed(graph.edges)), graph.groups)
    for draw in (graph_svg, graph_dot, graph_mermaid, graph_text):
        assert draw(turned) == draw(graph)
    assert graph_json(turned) == graph_json(graph)


class Elements(HTMLParser):
    """The elements of a page, and the text of its scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.code: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] in {"script", "style"} and data.strip():
            self.code.append(data)


def test_the_page_runs_its_own_code_alone() -> None:
    page = Elements()
    page.feed(graph_html(hostile()))
    assert [tag for tag, _ in page.found].count("script") == 1
    assert not [a for _, attrs in page.found for a in attrs if a.startswith("on") or a == "src"]
    policy = next(a["content"] for t, a in page.found if t == "meta" and "content" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    for code in page.code:
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_the_page_can_be_searched_followed_and_zoomed(npm: Callable[..., Path]) -> None:
    said = node(USE_PAGE, npm(*MERMAID), graph_html(small()))
    assert said == {
        "hits": ["Gate/refund-c"],
        "told": "1",
        "lit": ["Gate/a", "Gate/b"],
        "zoomed": True,
        "whole": True,
    }


def rendered(svg: str) -> bytes:
    converter = shutil.which("rsvg-convert")
    if converter is None:
        pytest.skip("rsvg-convert is not installed: no rendered picture to look at")
    done = subprocess.run([converter], input=svg.encode(), capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_rendered_picture_of_500_documents_has_no_ink_outside_its_labels_boxes() -> None:
    """The boxes are apart by another test: so no label is drawn over another, in a real font."""
    graph = many(500)
    picture = graph_svg(graph)
    size = re.match(r'<svg [^>]* width="[^"]*" height="[^"]*"', picture)
    assert size is not None
    texts = "".join(re.findall(r"<text.*?</text>", picture))
    covers = "".join(
        f'<path class="cover" d="M{floor(b.x)} {floor(b.y)}H{ceil(b.right)}V{ceil(b.bottom)}'
        f'H{floor(b.x)}Z"/>'  # on whole pixels, so that no edge of a cover leaves a grey of its own
        for b in (label.box for label in labels(graph))
    )
    head = f"{size[0]}><style>{STYLE} text{{fill:#000}} rect,.cover{{fill:#fff}}</style>"
    paper = '<rect width="100%" height="100%"/>'
    blank = rendered(f"{head}{paper}</svg>")
    assert rendered(f"{head}{paper}{texts}</svg>") != blank
    assert rendered(f"{head}{paper}{texts}{covers}</svg>") == blank


@pytest.mark.parametrize("graph", [small(), hostile(), many(500)], ids=["small", "hostile", "500"])
def test_a_picture_renders(graph: Graph) -> None:
    assert rendered(graph_svg(graph)).startswith(b"\x89PNG")


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("pair", [*HUES, *FATES.values()])
def test_every_colour_can_be_seen_on_its_paper(pair: tuple[str, str]) -> None:
    """WCAG asks 3:1 of shapes, and 4.5:1 of text, which the colours of a change also are."""
    least = 4.4 if pair in FATES.values() else 3.0
    assert contrast(pair[0], "#ffffff") >= least
    assert contrast(pair[1], "#0d1117") >= least


def test_nothing_is_wider_than_the_paper() -> None:
    layout = lay_out(many(500))
    assert all(band.box.right <= layout.width for band in layout.bands)
