"""Colours: one for each kind in a picture of what is, one for each fate in that of a change.

The hues are Okabe and Ito's (2008), darker or lighter where the paper asks for it. Everything is a
class, so that one document serves light and dark.
"""

from __future__ import annotations

from chimera.render.graph.layout import Layout
from chimera.workspace.graphing import Edge, Graph, Node

HUES = (
    ("#0072b2", "#56b4e9"),
    ("#c77700", "#e69f00"),
    ("#00795a", "#2fc79e"),
    ("#a4487f", "#d896bd"),
    ("#b84a00", "#f2803a"),
    ("#3f6f96", "#9cc4e4"),
    ("#7a6a00", "#d9c83f"),
    ("#5b5b8c", "#aaa9e0"),
    ("#8a3b3b", "#e39a9a"),
    ("#2f6f6f", "#7fcaca"),
    ("#6b5344", "#c7ab97"),
    ("#59636e", "#b6c0ca"),
)
"""Pairs for light and dark paper."""
FATES = {
    "breaking": ("#b83a00", "#ff8a4c"),
    "compatible": ("#0072b2", "#56b4e9"),
    "cosmetic": ("#6b7280", "#9aa4b2"),
    "changed": ("#33415c", "#c3cfe2"),
    "affected": ("#a06400", "#e6b04a"),
    "asking": ("#a4487f", "#d896bd"),
    "focus": ("#00795a", "#2fc79e"),
}
_FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"


def kind_classes(graph: Graph) -> dict[str, str]:
    """Return a class for each kind in `graph`; of more kinds than hues some share one."""
    kinds = sorted({node.kind for node in graph.nodes})
    return {kind: f"k{number % len(HUES)}" for number, kind in enumerate(kinds)}


def tone(node: Node, kinds: dict[str, str]) -> str:
    """Return the class of a card's colour: its fate in a picture of a change, else its kind."""
    if node.reach is None or node.reach == "focus":
        return f"{kinds[node.kind]} focus" if node.reach else kinds[node.kind]
    return f"fated {fate(node)}"


def fate(node: Node) -> str:
    """Return what a change does to a node, as one word.

    Nobody can say of code whether its change breaks anything: a governed path has no category.
    """
    if node.reach != "changed" or node.category is None:
        return str(node.reach)
    name: str = node.category.value
    return name


def edge_class(edge: Edge, layout: Layout, kinds: dict[str, str]) -> str:
    """Return the class of an edge's colour: that of what it leads to."""
    source, target = layout.cards[edge.source].node, layout.cards[edge.target].node
    hue = kinds[target.kind]
    if target.reach in {"changed", "affected"}:
        hue = fate(target) if source.reach != "asking" else "asking"
    return f"edge {hue} asks" if edge.asks else f"edge {hue}"


def _rules(index: int) -> str:
    hues = {f"k{number}": pair[index] for number, pair in enumerate(HUES)}
    fates = {name: pair[index] for name, pair in FATES.items()}
    bars = {name: hue for name, hue in (hues | fates).items() if name != "focus"}
    rules = [f".{name} .bar,.edge.{name}{{stroke:{hue}}}" for name, hue in bars.items()]
    rules += [
        f".{name}.fated .box{{stroke:{hue};fill:{hue};fill-opacity:.13}}"
        f".{name}.fated .said{{fill:{hue}}}"
        for name, hue in fates.items()
    ]
    rules.append(f".focus .box{{stroke:{fates['focus']};stroke-width:2}}")
    rules += [f".swatch.{name} .chip{{fill:{hue}}}" for name, hue in hues.items()]
    return "".join(rules)


_LIGHT = (
    ".paper{fill:#fff}.lane{fill:#f6f8fa;stroke:#d5dbe3}.box{fill:#fff;stroke:#b9c2cd}"
    "text{fill:#1f2933}.said,.detail{fill:#5b6673}.head{fill:#7b8794}"
)
_DARK = (
    ".paper{fill:#0d1117}.lane{fill:#151b23;stroke:#2f3742}.box{fill:#0d1117;stroke:#48525e}"
    "text{fill:#e6edf3}.said,.detail{fill:#9aa7b4}.head{fill:#8b98a5}"
)
STYLE = (
    f"text{{font-family:{_FONT};white-space:pre}}.name,.title,.lanename{{font-weight:600}}"
    ".lane.dormant{stroke-dasharray:6 4;fill-opacity:.4}.missing .box,.card.dormant .box"
    "{stroke-dasharray:4 3}.bar{stroke-width:3;stroke-linecap:round}"
    ".edge{fill:none;stroke-width:1.3;stroke-opacity:.75}.edge.asks{stroke-dasharray:5 3}"
    ".fated .box{stroke-width:1.6}.action-delete .name{text-decoration:line-through}"
    f"{_LIGHT}{_rules(0)}@media(prefers-color-scheme:dark){{{_DARK}{_rules(1)}}}"
)
