"""Tables on a terminal: every number is legible at every width."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from rich.console import Console

from scai_irl.report.tables import print_table

NUMBERS = [f"share {number}" for number in range(8)]


def printed(table: pd.DataFrame, width: int) -> str:
    file = io.StringIO()
    print_table(table, "all shares", Console(file=file, width=width))
    return file.getvalue()


@pytest.mark.parametrize(("width", "parts"), [(40, 4), (60, 2), (190, 1)])
def test_a_wide_table_is_printed_in_parts_that_name_their_lines(width: int, parts: int) -> None:
    table = pd.DataFrame({"group": ["1v9", "9v1"], "users": ["fair", "selfish"]})
    table = table.assign(**{name: [f"0.10{number}", f"-0.20{number}"] for number, name in enumerate(NUMBERS)})
    text = printed(table, width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    assert text.count("selfish") == parts
    assert text.count("all shares (continued)") == parts - 1
    for name, *values in table[NUMBERS].T.itertuples():
        assert all(text.count(word) == 1 for word in (name, *values))


def test_a_table_of_text_alone_is_in_one_part() -> None:
    assert printed(pd.DataFrame({"norm": ["fair"]}), 20).count("fair") == 1
