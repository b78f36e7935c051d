"""Priors, temperatures and populations: what does a wrong prior cost, in games and in new currencies?

An ablation that Fränken et al. (2023) left open: priors that lean to a norm or to none, for users with one norm and
with two, more and less rational. No language model is asked. Run it with ``scai-irl run prior-ablation`` or ``python -m
experiments.prior_ablation``.
"""

from __future__ import annotations

from experiments.prior_ablation.figures import (
    ablation_findings,
    belief_figure,
    currency_figure,
    currency_table,
    gap_figure,
    speed_table,
)
from experiments.prior_ablation.model import PriorAblation, ablate
from scai_irl.experiment.definition import experiment
from scai_irl.report.study import Study


@experiment("prior-ablation", "the cost of priors: norms, mixtures, temperatures, new currencies", config=PriorAblation)
def prior_ablation(config: PriorAblation, model: None) -> Study:
    """Have observers with every prior learn every population; report games needed and gaps."""
    tables = ablate(config)
    most = config.epochs * config.games
    return Study(
        ablation_findings(config, tables),
        tables=tables._asdict(),
        shown={"games_needed": speed_table(tables.games, most), "gap_abroad": currency_table(tables.abroad)},
        figures={
            "belief": belief_figure(tables.epochs),
            "gap": gap_figure(tables.epochs),
            "abroad": currency_figure(tables.abroad),
        },
    )
