"""Out of distribution: how do assistants act in new currencies after they learnt a norm in dollars?

This is the last experiment of Fränken et al. (2023). Here every run learns a text, and the prompt has or lacks the
warning that theirs had. Assistants are compared with a Bayesian who expects norms to differ between currencies. Users
are simulated, or the language model plays them (``--users-by model``). Run it with ``scai-irl run out-of-distribution``
or ``python -m experiments.out_of_distribution``.
"""

from __future__ import annotations

from experiments.out_of_distribution.currencies_seen import gaps_by_currencies_seen
from experiments.out_of_distribution.figures import distance_figure, gaps_table, seen_figure, transfer_findings
from experiments.out_of_distribution.model import act_in_new_currencies
from experiments.out_of_distribution.transfer_design import OutOfDistribution
from scai_irl.experiment.definition import experiment
from scai_irl.experiment.run_study import Model
from scai_irl.report.study import Study


@experiment("out-of-distribution", "a norm learnt in dollars, acted on in new currencies", config=OutOfDistribution)
def out_of_distribution(config: OutOfDistribution, model: Model) -> Study:
    """Let assistants act in new currencies; compute the posterior there as users are observed in more currencies."""
    acted = act_in_new_currencies(model, config)
    by_seen = gaps_by_currencies_seen(config, config.seen)
    return Study(
        transfer_findings(acted.gaps, by_seen, config, model.backend.name),
        tables={
            "offers": acted.offers,
            "gaps": acted.gaps,
            "verbal_policies": acted.texts,
            "beliefs": acted.beliefs,
            "goods_seen": by_seen,
        },
        shown={"gaps": gaps_table(acted.gaps)},
        figures={"abroad": distance_figure(acted.gaps), "goods_seen": seen_figure(by_seen)},
    )
