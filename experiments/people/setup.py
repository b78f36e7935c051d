"""Reader of people's choices for the studies of this folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scai_irl.data.human.choices import HumanChoices, subjects
from scai_irl.data.human.import_choices import IMPORT, get_source, print_warnings
from scai_irl.io.errors import InputError
from scai_irl.results.results import load


def read_people(data: Path, source: str, people: int | None, seed: int) -> HumanChoices:
    """Read choices from a folder of ``scai-irl import human``, or from a data file.

    Args:
        data: Folder or file.
        source: Data set to which a file belongs.
        people: Number of people to draw at random; all if None.
        seed: Root seed of that draw.

    Raises:
        InputError: If it cannot be read.
    """
    everyone = _read(data, source)
    if people is None:
        return everyone
    person = subjects(everyone.choices)
    there = int(person.max()) + 1
    if people > there:
        raise InputError("people", f"{people} are more than the {there} in the data", "give fewer, or leave it out")
    chosen = np.random.default_rng(seed).choice(there, size=people, replace=False)
    chosen_choices = everyone.choices[np.isin(person, chosen)].reset_index(drop=True)
    return HumanChoices(chosen_choices, everyone.unread, everyone.warnings)


def _read(data: Path, source: str) -> HumanChoices:
    if not data.is_dir():
        choices = get_source(source)(data)
        print_warnings(choices)
        return choices
    imported = load(data)
    if imported.manifest.experiment != IMPORT or "choices" not in imported.tables:
        hint = "give a folder from `scai-irl import human`, or a data file"
        raise InputError("data", f"{data} contains {imported.manifest.experiment}, not choices of people", hint)
    return HumanChoices(imported.choices, imported.unread, imported.warnings)
