"""Data that cannot be fitted and compared are refused before a fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.people.fits import HumanNorms, fit_people
from scai_irl.data.human.own_csv import CsvColumns, read_csv
from scai_irl.io.errors import InputError


def test_the_choices_of_one_person_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("subject,offer,accepted\nann,3,0\nann,5,1\n")
    people = read_csv(tmp_path / "one.csv", CsvColumns(stake="10"))
    with pytest.raises(InputError, match=r"has one person, .* give choices of two people or more"):
        next(fit_people(people.choices, HumanNorms(data=tmp_path)))
