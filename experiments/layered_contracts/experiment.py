"""Layered contracts: should an assistant follow the norms of its role or people's preferences?

There are three layers: a law, a floor for each role, and each person's target. A layer may prevent the next one from
being fulfilled. An assistant infers all layers from people's behaviour in roles, acts for these people, and names the
conflicts. Run it with ``scai-irl run layered-contracts`` or ``python -m experiments.layered_contracts``.
"""

from __future__ import annotations

from experiments.layered_contracts.figures import (
    conflict_table,
    contract_figure,
    contract_findings,
    contract_table,
    named_conflicts,
    reliability_figure,
)
from experiments.layered_contracts.model import LayeredContracts, serve_societies
from scai_irl.experiment.definition import experiment
from scai_irl.report.study import Study


@experiment(
    "layered-contracts",
    "inferred laws, role floors and preferences, and conflicts between them",
    config=LayeredContracts,
)
def layered_contracts(config: LayeredContracts, model: None) -> Study:
    """Infer layers and act by them; report compliance, satisfaction and named conflicts."""
    done, conflicts = serve_societies(config)
    return Study(
        findings=contract_findings(done, conflicts),
        tables={"done": done, "conflicts": conflicts},
        shown={
            "done": contract_table(done),
            "conflicts": conflict_table(conflicts),
            "conflicts_named": named_conflicts(conflicts),
        },
        figures={"compliance": contract_figure(done), "reliability": reliability_figure(conflicts)},
    )
