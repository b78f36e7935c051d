"""Prior ablation: what does a wrong prior cost, in interactions and in new currencies?

Fränken et al. (2023) left this ablation open. Priors are flat or lean to one norm. Users have one norm or two, and are
more or less rational. No language model is asked. Run it with ``scai-irl run prior-ablation`` or ``python -m
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
    """Let observers with every prior learn every population; report the interactions needed and the gaps."""
    tables = ablate(config)
    most = config.epochs * config.games
    return Study(
        ablation_findings(config, tables),
        tables={"games": tables.games, "epochs": tables.epochs, "abroad": tables.by_currency},
        shown={"games_needed": speed_table(tables.games, most), "gap_abroad": currency_table(tables.by_currency)},
        figures={
            "belief": belief_figure(tables.epochs),
            "gap": gap_figure(tables.epochs),
            "abroad": currency_figure(tables.by_currency),
        },
    )
