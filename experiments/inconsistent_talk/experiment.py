"""Degree and way of inconsistency: how much does talk at odds with a norm slow learning down, and for whom?

An open question of Fränken et al. (2023). Bayesian observers that ignore talk, that trust it, and that infer how
reliable it is watch the same groups as a language model. Run it with ``scai-irl run language-and-learning`` or ``python
-m experiments.inconsistent_talk``.
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


@experiment("language-and-learning", "talk at odds with norms, in degrees and ways", config=LanguageAndLearning)
def language_and_learning(config: LanguageAndLearning, model: Model) -> Study:
    """Have all observers watch; report how many games each needs to learn the norm."""
    beliefs = pd.concat([beliefs_of_bayesians(config), beliefs_of_model(config, model)], ignore_index=True)
    needed = games_needed(beliefs)
    question = "How many games does it take to learn a norm from users whose talk is at odds with it?"
    return Study(
        speed_findings(needed, config.games, question, asked_after(beliefs)),
        tables={"beliefs_by_game": beliefs, "games_needed": needed},
        shown={"games_needed": speed_table(needed, config.games)},
        figures={"games_needed": speed_figure(needed, config.games)},
    )
