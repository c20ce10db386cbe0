"""A graph as one self-contained SVG, for light and dark, with a legend.

Colour never speaks alone: kinds are written on their cards, what changes says how. The palette is
that of Okabe and Ito (2008), which the colour-blind can tell apart. Refuses scripts, links and
fonts from elsewhere: a picture in a README may hold none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from chimera.render.graph.layout import HEAD, MARGIN, Band, Card, Layout, lay_out
from chimera.render.graph.legend import Entry, legend
from chimera.render.graph.measure import Box, Label, shortened
from chimera.render.graph.palette import STYLE, edge_class, kind_classes, tone
from chimera.render.graph.routing import Curve, routed
from chimera.render.paint import count, harmless
from chimera.workspace.graphing import Graph, Node

_FOLD = 9.0
"""The turned-down corner by which a record is told from what is desired."""


def graph_svg(graph: Graph) -> str:
    """Return `graph` as an SVG document."""
    layout = lay_out(graph)
    kinds = kind_classes(graph)
    entries = legend(layout, kinds)
    height = max((e.label.box.bottom for e in entries), default=layout.height) + MARGIN
    width = layout.width
    body = "\n".join(
        (
            *_open(width, height, harmless(graph.title)),
            *map(_label, title_labels(layout)),
            *(line for band in layout.bands for line in _band(band)),
            *(_curve(curve, layout, kinds) for curve in routed(layout)),
            *(line for card in layout.cards.values() for line in _card(card, kinds)),
            *(line for entry in entries for line in _entry(entry)),
        )
    )
    return f"{body}\n</svg>"


def title_labels(layout: Layout) -> tuple[Label, ...]:
    """Return the title and what is counted under it."""
    graph = layout.graph
    most = int((layout.width - 2 * MARGIN) / 10)
    counted = f"{count(len(graph.nodes), 'document')}, {count(len(graph.edges), 'reference')}"
    if any(node.reach not in {None, "focus"} for node in graph.nodes):
        found = [node.reach for node in graph.nodes]
        counted = ", ".join(
            (
                f"{found.count('changed')} changed",
                f"{found.count('affected')} reached",
                f"{found.count('asking')} concerned",
            )
        )
    return (
        Label(shortened(graph.title, most), MARGIN, 32, 15, "title"),
        Label(counted, MARGIN, HEAD - 14, 10.5, "detail"),
    )


def labels(graph: Graph) -> Iterator[Label]:
    """Yield every text of the picture with its place."""
    layout = lay_out(graph)
    yield from title_labels(layout)
    for band in layout.bands:
        yield from band.labels
    for card in layout.cards.values():
        yield from card.labels
    for entry in legend(layout, kind_classes(graph)):
        yield entry.label


def _open(width: float, height: float, title: str) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"'
        f' width="{width:g}" height="{height:g}" role="img">'
    )
    yield f"<title>{escape(title)}</title>"
    yield f"<style>{STYLE}</style>"
    yield (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="3" refY="4" markerWidth="6"'
        ' markerHeight="6" orient="auto"><path d="M0 0.5 8 4 0 7.5Z" class="head"/></marker></defs>'
    )
    yield '<rect class="paper" width="100%" height="100%"/>'


def _band(band: Band) -> Iterator[str]:
    style = "lane dormant" if band.lane.dormant else "lane"
    yield _rect(band.box, style, 8)
    yield from map(_label, band.labels)


def _card(card: Card, kinds: dict[str, str]) -> Iterator[str]:
    node, box = card.node, card.box
    style = " ".join(("card", tone(node, kinds), *_traits(node)))
    yield f'<g class="{style}" data-key="{_attribute(node.key)}">'
    yield f"<title>{escape(tooltip(node))}</title>"
    yield _sheet(box) if node.record else _rect(box, "box", 6)
    yield f'<path class="bar" d="M{box.x + 3:g} {box.y + 7:g}v{box.height - 14:g}"/>'
    yield from map(_label, card.labels)
    yield "</g>"


def _traits(node: Node) -> Iterator[str]:
    if node.missing:
        yield "missing"
    if node.dormant:
        yield "dormant"
    if node.action is not None:
        yield f"action-{node.action.value}"


def _sheet(box: Box) -> str:
    """Return a card with a turned-down corner."""
    x, y, right = box.x, box.y, box.right
    return (
        f'<path class="box" d="M{x:g} {y:g}H{right - _FOLD:g}l{_FOLD:g} {_FOLD:g}'
        f'V{box.bottom:g}H{x:g}ZM{right - _FOLD:g} {y:g}v{_FOLD:g}h{_FOLD:g}"/>'
    )


def tooltip(node: Node) -> str:
    """Return all that is known of a node, for whoever points at it."""
    lines = [node.key, node.where, node.summary]
    if node.layers:
        lines.append("in " + ", ".join(node.layers))
    if node.action is not None:
        category = f" ({node.category.value})" if node.category else ""
        lines.append(f"{node.action.value}{category}")
    return "\n".join(harmless(line) for line in (*lines, *node.notes) if line)


def _curve(curve: Curve, layout: Layout, kinds: dict[str, str]) -> str:
    steps = "".join(
        ("C" if len(step) == 3 else "L") + " ".join(f"{x:g} {y:g}" for x, y in step)
        for step in curve.steps
    )
    edge = curve.edge
    way = f"M{curve.start[0]:g} {curve.start[1]:g}{steps}"
    style = edge_class(edge, layout, kinds)
    said = f"{edge.source} → {edge.target}\n{', '.join(edge.fields)}"
    return (
        f'<path class="{style}" d="{way}" marker-end="url(#head)"'
        f' data-from="{_attribute(edge.source)}" data-to="{_attribute(edge.target)}">'
        f"<title>{escape(harmless(said))}</title></path>"
    )


def _entry(entry: Entry) -> Iterable[str]:
    yield f'<g class="{entry.style}">'
    if entry.line:
        yield (
            f'<path class="{entry.line}" marker-end="url(#head)"'
            f' d="M{entry.box.x:g} {entry.box.middle:g}h{entry.box.width - 4:g}"/>'
        )
    elif entry.sheet:
        yield _sheet(entry.box)
    else:
        yield _rect(entry.box, entry.shape, 3)
    yield _label(entry.label)
    yield "</g>"


def _label(label: Label) -> str:
    text = escape(harmless(label.text))
    return (
        f'<text class="{label.style}" x="{label.x:g}" y="{label.y:g}"'
        f' font-size="{label.size:g}">{text}</text>'
    )


def _rect(box: Box, style: str, radius: float) -> str:
    return (
        f'<rect class="{style}" x="{box.x:g}" y="{box.y:g}" width="{box.width:g}"'
        f' height="{box.height:g}" rx="{radius:g}"/>'
    )


def _attribute(text: str) -> str:
    return escape(harmless(text), {'"': "&quot;"})
