"""A results folder from an attacker, and figures that are no figures."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.sax.saxutils import escape

import pandas as pd

from scai_irl import load
from scai_irl.results.findings import Finding, save_findings

ATTACK = '</script></p><img src=x onerror="window.attacked=1"><script>window.attacked=1</script>\u202e"\'{{ 7*7 }}'
"""Text that must stay text everywhere."""

_NAMES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9"'


def svg(inner: str, more: str = "", before: str = "") -> str:
    """An SVG file."""
    return f"{before}<svg {_NAMES} {more}>{inner}</svg>"


_BOMB = "".join(
    f'<g id="g{n}">{f"""<use xlink:href="#g{n - 1}"/>""" * 10}</g>' if n else '<g id="g0"><path d="M 0 0"/></g>'
    for n in range(9)
)

FOREIGN: dict[str, str] = {
    "script": svg("<script>window.top.attacked=1</script>"),
    "handler": svg('<path d="M 0 0" onclick="alert(1)"/>'),
    "onload": svg("<g/>", 'onload="window.attacked=1"'),
    "html": svg('<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><img src="x"/></body></foreignObject>'),
    "other namespace": svg('<img xmlns="http://www.w3.org/1999/xhtml" src="x"/>'),
    "link": svg('<a xlink:href="javascript:alert(1)"><text>press</text></a>'),
    "image elsewhere": svg('<image xlink:href="http://attacker.invalid/x.png" width="9" height="9"/>'),
    "image of svg": svg('<image href="data:image/svg+xml;base64,AAAA"/>'),
    "use elsewhere": svg('<use xlink:href="http://attacker.invalid/x.svg#a"/>'),
    "use of nothing": svg('<use href="#nothing"/>'),
    "paint elsewhere": svg('<path d="M 0 0" style="fill: url(http://attacker.invalid/x.svg#a)"/>'),
    "paint of nothing": svg('<path d="M 0 0" fill="url(#nothing)"/>'),
    "style sheet": svg("<style>@import url(http://attacker.invalid/x.css)</style>"),
    "style of ours and more": svg("<style>*{stroke-linejoin: round; stroke-linecap: butt} a{}</style>"),
    "unknown style": svg('<path d="M 0 0" style="background: url(x)"/>'),
    "animation": svg('<path d="M 0 0"><set attributeName="href" to="javascript:alert(1)"/></path>'),
    "filter": svg('<filter id="f"><feImage href="http://attacker.invalid/x"/></filter>'),
    "odd path": svg('<path d="M 0 0&quot; onload=&quot;x"/>'),
    "entities": svg("<text>&a;</text>", before='<!DOCTYPE svg [<!ENTITY a "aaaa">]>'),
    "bomb of uses": svg(_BOMB + '<use xlink:href="#g8"/>'),
    "pattern of patterns": svg('<pattern id="p"><path d="M 0 0" fill="url(#p)"/></pattern>'),
    "deep": svg("<g>" * 5000 + "</g>" * 5000),
    "large": svg(f"<text>{'a' * 2_000_001}</text>"),
    "inner svg": svg(svg("")),
    "no view box": '<svg xmlns="http://www.w3.org/2000/svg"/>',
    "odd view box": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1e9 1e9"/>',
    "no svg": "<html/>",
    "no xml": "<svg",
    "nothing": "",
}
"""SVG files that the page must not draw, by their fault."""


def make_hostile(folder: Path) -> None:
    """Turn a results folder into a hostile one, with attacks in every text, and foreign figures."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest |= {"experiment": ATTACK, "model": ATTACK, "host": ATTACK, "service": {ATTACK: 1}}
    manifest["config"][ATTACK] = ATTACK
    manifest["counts"][ATTACK] = 1
    (folder / "manifest.json").write_text(json.dumps(manifest))
    results = load(folder)
    for name in ("verbal_policies", "costs"):
        table = results.tables[name].copy()
        for column in {"condition", "agent", "written", "belief"} & set(table):
            table[column] = ATTACK
        table.to_parquet(folder / f"{name}.parquet")
    first = results.beliefs["condition"] == results.beliefs["condition"].iloc[0]
    beliefs = results.beliefs[first].assign(condition=ATTACK)
    beliefs["norm"] = ATTACK + beliefs["norm"]
    beliefs.to_parquet(folder / "beliefs.parquet")
    answer = f"{ATTACK.replace('{', '(').replace('}', ')')} {{value}}"
    save_findings(folder, [Finding(ATTACK, ATTACK, answer, 0.5, row=ATTACK, why=ATTACK, goal=ATTACK)])
    pd.DataFrame({ATTACK: [ATTACK], "n": [1]}).to_csv(folder / f"{ATTACK.replace('/', '')}.csv", index=False)
    for figure in (folder / "figures").glob("*.svg"):
        figure.write_text(re.sub("(?<=<dc:description>)[^<]*", lambda _: escape(ATTACK), figure.read_text()))
    for name, source in FOREIGN.items():
        (folder / "figures" / f"{name} x\" onload='y'.svg").write_text(source)
