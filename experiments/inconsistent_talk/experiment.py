"""Inconsistent talk: how much does it slow learning down, by degree, kind and observer?

This is an open question of Fränken et al. (2023). A language model and three Bayesian observers watch the same groups.
One Bayesian ignores talk, one trusts it, and one infers its reliability. Run it with ``scai-irl run
language-and-learning`` or ``python -m experiments.inconsistent_talk``.
"""

from __future__ import annotations

import pandas as pd

from experiments.inconsistent_talk.figures import speed_figure, speed_findings, speed_table
from experiments.inconsistent_talk.model import (
    LanguageAndLearning,
    asked_after,
    beliefs_of_bayesians,
    beliefs_of_model,
    games_needed,
)
from scai_irl.experiment.definition import experiment
from scai_irl.experiment.run_study import Model
from scai_irl.report.study import Study


@experiment("language-and-learning", "talk that contradicts norms, by degree and kind", config=LanguageAndLearning)
def language_and_learning(config: LanguageAndLearning, model: Model) -> Study:
    """Let all observers watch the groups; report how many interactions each needs to learn the norm."""
    beliefs = pd.concat([beliefs_of_bayesians(config), beliefs_of_model(config, model)], ignore_index=True)
    needed = games_needed(beliefs)
    question = "How many interactions are needed to learn a norm from users whose talk contradicts it?"
    return Study(
        speed_findings(needed, config.games, question, asked_after(beliefs)),
        tables={"beliefs_by_game": beliefs, "games_needed": needed},
        shown={"games_needed": speed_table(needed, config.games)},
        figures={"games_needed": speed_figure(needed, config.games)},
    )
