"""Preference groups: how well is the worst-served group served if the minority becomes smaller?

A majority and a minority have distinct norms, which are inferred from behaviour. They are served by one norm for all,
by one mixture for all, or by the norm of each group. Run it with ``scai-irl run preference-groups`` or ``python -m
experiments.subgroups preference-groups``.
"""

from __future__ import annotations

from experiments.subgroups.pooled_norms import PreferenceGroups, serve_minorities
from experiments.subgroups.pooled_norms_figures import minority_figure, minority_findings, minority_table
from scai_irl.experiment.definition import experiment
from scai_irl.report.study import Study


@experiment("preference-groups", "the worst-served group, by the size of the minority", config=PreferenceGroups)
def preference_groups(config: PreferenceGroups, model: None) -> Study:
    """Serve majorities and minorities by every service; report gap and satisfaction of the worst-served group."""
    served = serve_minorities(config)
    return Study(
        findings=minority_findings(served),
        tables={"served": served},
        shown={"served": minority_table(served)},
        figures={"worst_group": minority_figure(served)},
    )
