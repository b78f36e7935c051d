"""Subgroups with distinct norms: does behaviour reveal them, and is each served by its own norm?

Social Contract AI (Fränken et al. 2023) ends with groups whose members have different norms. Its single assistant
switched between these norms. Here users keep their norms, and the assignment is hidden. Each inferred group has an
assistant, which samples the group's norm, receives it as a sentence and acts on the sentence. Users are simulated, or
the language model plays them (``--users-by model``). Run it with ``scai-irl run subgroup-norms`` or ``python -m
experiments.subgroups subgroup-norms``.
"""

from __future__ import annotations

from experiments.subgroups.group_service import SubgroupNorms, group_service
from experiments.subgroups.group_service_figures import (
    agreement_figure,
    agreement_table,
    service_figure,
    service_findings,
    service_table,
)
from scai_irl.experiment.definition import experiment
from scai_irl.experiment.run_study import Model
from scai_irl.report.study import Study


@experiment("subgroup-norms", "groups of users with distinct norms, inferred and served", config=SubgroupNorms)
def subgroup_norms(config: SubgroupNorms, model: Model) -> Study:
    """Infer groups and serve them; report gaps of assistants and the accuracy of groups."""
    service, agreement = group_service(model, config)
    return Study(
        findings=service_findings(service, agreement, config.populations),
        tables={"service": service, "groups_found": agreement},
        shown={"service": service_table(service), "groups_found": agreement_table(agreement)},
        figures={"gap_by_games": service_figure(service), "groups_found": agreement_figure(agreement)},
    )
