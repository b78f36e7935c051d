"""Currency suite: do near currencies predict users' behaviour in distant ones?

Norms vary between currencies as a hierarchy assumes, or in two ways that it does not assume. Run it with
``scai-irl run currency-suite`` or ``python -m experiments.currency_suite``.
"""

from __future__ import annotations

import pandas as pd

from experiments.currency_suite.figures import (
    coverage_figure,
    currency_table,
    suite_findings,
    suite_table,
    text_figure,
)
from experiments.currency_suite.model import CurrencySuite, believed, played, predictions
from experiments.currency_suite.verbal_transfer import act_on_texts
from inference.checks.diagnostics import largest_r_hat
from scai_irl.experiment.definition import experiment
from scai_irl.experiment.run_study import Model
from scai_irl.io.progress import progress
from scai_irl.report.study import Study


def _fewest_seen(config: CurrencySuite) -> tuple[CurrencySuite, float]:
    """Sample for a dry run: assistants act only after interactions in the fewest currencies."""
    return config.model_copy(update={"seen": config.seen[:1]}), 1.0


@experiment(
    "currency-suite",
    "currencies by psychological distance: seen, predicted, acted in",
    config=CurrencySuite,
    sample=_fewest_seen,
)
def currency_suite(config: CurrencySuite, model: Model) -> Study:
    """Observe users in more and more currencies, predict the other currencies, and act on texts there."""
    games = played(config)
    tables, diagnosed = [], []
    with progress("currencies seen", len(config.seen)) as advance:
        for seen in config.seen:
            posterior = believed(config, games, seen)
            tables.append(predictions(config, games, seen, posterior))
            diagnosed.append(largest_r_hat(posterior).rename_axis("number").reset_index(name="r_hat").assign(seen=seen))
            if seen == config.seen[0]:
                acted = act_on_texts(config, games, posterior, model)
            advance(str(seen))
    predicted = pd.concat(tables, ignore_index=True)
    return Study(
        suite_findings(predicted, acted),
        tables={"predictions": predicted, "acted": acted, "diagnostics": pd.concat(diagnosed).dropna()},
        shown={"coverage": suite_table(predicted), "goods": currency_table(predicted, acted)},
        figures={"coverage": coverage_figure(predicted), "words": text_figure(predicted, acted)},
    )
