"""Aligned to people: do assistants that follow a text of learnt preferences answer offers as people do?

Social preferences are fitted to one half of the people. Assistants sample them from the posterior, receive them as a
text, and act on the text. Their answers are compared with those of the other half. Run it with ``scai-irl run
aligned-to-people --data PATH`` or ``python -m experiments.people aligned-to-people --data PATH``.
"""

from __future__ import annotations

from experiments.people.alignment_to_people import (
    AlignedToPeople,
    aligned_answers,
    alignment_figure,
    alignment_findings,
    alignment_table,
    halves,
)
from experiments.people.setup import read_people
from scai_irl.data.human.choices import subjects
from scai_irl.experiment.definition import experiment
from scai_irl.experiment.run_study import Model
from scai_irl.report.study import Study


def _quickly_fitted(config: AlignedToPeople) -> tuple[AlignedToPeople, float]:
    """Sample for a dry run: texts have the same length with every method, so the quickest method is used."""
    return config.model_copy(update={"method": "laplace"}), 1.0


@experiment(
    "aligned-to-people",
    "assistants that follow texts of preferences fitted to people",
    config=AlignedToPeople,
    sample=_quickly_fitted,
)
def aligned_to_people(config: AlignedToPeople, model: Model) -> Study:
    """Fit preferences and let assistants answer by their texts; report the distance from people's answers."""
    choices = read_people(config.data, config.source, None, config.seed).choices
    answers = aligned_answers(choices, config, model)
    people = int(subjects(halves(choices, config.seed)[1]).max()) + 1
    question = "Do assistants that follow texts of fitted preferences answer offers as people do?"
    return Study(
        alignment_findings(answers, people, question),
        tables={"acceptance": answers},
        shown={"acceptance": alignment_table(answers)},
        figures={"acceptance": alignment_figure(answers)},
    )
