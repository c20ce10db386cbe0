"""A page around a picture: one file that asks nothing of the network.

Refuses scripts; text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """\
body{font:15px/1.5 system-ui,sans-serif;max-width:760px;margin:2rem auto;padding:0 1rem;color:#222;
background:#fff}
h1{font-size:1.3rem;margin-bottom:.5rem}
table{border-collapse:collapse;margin:1rem 0}
th,td{padding:.15rem 1rem .15rem 0;text-align:left;vertical-align:top;font-weight:400}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
th{color:#666}
svg{max-width:100%;height:auto}
@media (prefers-color-scheme:dark){body{color:#ddd;background:#16181c}th{color:#999}}
"""


def page(
    title: str,
    facts: Iterable[tuple[str, str]],
    picture: str,
    heads: Sequence[str] = (),
    rows: Iterable[Sequence[str]] = (),
) -> str:
    """Return an HTML document of some facts, a picture as SVG, and the numbers that it shows."""
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            (
                '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
                "style-src 'unsafe-inline'\">"
            ),
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            f"<h1>{escape(title)}</h1>",
            "<table>",
            *(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in facts),
            "</table>",
            picture.rstrip("\n"),
            *_table(heads, rows),
            "</body>",
            "</html>",
            "",
        )
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    if not heads:
        return []
    return [
        "<details><summary>The numbers</summary>",
        "<table>",
        "<tr>" + "".join(f'<th class="number">{escape(head)}</th>' for head in heads) + "</tr>",
        *(
            "<tr>" + "".join(f'<td class="number">{escape(cell)}</td>' for cell in row) + "</tr>"
            for row in rows
        ),
        "</table>",
        "</details>",
    ]
