"""A search index that a browser can build in less than two seconds.

The index holds the whole text of guides. Of the reference it holds each name with the first sentence of its docstring:
signatures, examples and source code are nine tenths of the text, and nobody searches for them.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority

_CODE = re.compile(r"<pre>.*?</pre>", re.DOTALL)
_PARAGRAPH = re.compile(r"<p>(?!\s*Bases:)(.*?)</p>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
_SENTENCE = re.compile(r".+?[.:?](?=\s|$)|.+", re.DOTALL)


@event_priority(-100)  # after the search plugin, which writes the index
def on_post_build(config: MkDocsConfig, **_: Any) -> None:
    """Shorten the index of the finished site."""
    file = Path(config.site_dir) / "search" / "search_index.json"
    index = json.loads(file.read_text(encoding="utf-8"))
    index["docs"] = [shortened(entry) for entry in index["docs"]]
    file.write_text(json.dumps(index, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def shortened(entry: dict[str, Any]) -> dict[str, Any]:
    """Reduce an entry of the reference to its name and the first sentence of its docstring.

    Example:
        >>> text = "<pre><code>f(x)</code></pre> <p>Compute <code>f</code>. It is fast.</p> <p>More.</p>"
        >>> shortened({"location": "api/f.html#f", "title": "f", "text": text})["text"]
        'Compute f.'
        >>> shortened({"location": "run.html", "title": "Run", "text": "<p>One. Two.</p>"})["text"]
        '<p>One. Two.</p>'
    """
    if not entry["location"].startswith("api/"):
        return entry
    paragraph = _PARAGRAPH.search(_CODE.sub("", entry["text"]))
    text = "" if paragraph is None else html.unescape(_TAG.sub("", paragraph[1])).strip()
    sentence = _SENTENCE.match(text)
    return {**entry, "text": html.escape(sentence[0], quote=False) if sentence else ""}
