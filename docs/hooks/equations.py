"""Equations as MathML, which browsers draw by themselves: no script, no network, and screen readers can read it.

Pages write TeX between dollar signs; pymdownx.arithmatex finds it, and math-core converts it while the site is built.
What it does not know stops the build. Browsers need a font that knows how equations are laid out, and not every machine
has one, so the site brings STIX Two Math along, which comes with ziamath.
"""

from __future__ import annotations

import html
import re
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from math_core import LatexToMathML
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

FONT = "STIXTwoMath-Regular.ttf"

_INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
_BLOCK = re.compile(r'<div class="arithmatex">\\\[(.*?)\\\]</div>', re.DOTALL)
_TO_MATHML = LatexToMathML()


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Take the font along."""
    font = Path(str(distribution("ziamath").locate_file(f"ziamath/fonts/{FONT}")))
    files.append(File.generated(config, f"styles/{FONT}", content=font.read_bytes()))
    return files


def on_page_content(content: str, **_: Any) -> str:
    """Convert every equation of a page."""
    inline = _INLINE.sub(lambda match: _mathml(match[1], block=False), content)
    return _BLOCK.sub(lambda match: f'<div class="equation">{_mathml(match[1], block=True)}</div>', inline)


def _mathml(tex: str, block: bool) -> str:
    return _TO_MATHML.convert_with_local_state(html.unescape(tex).strip(), displaystyle=block)
