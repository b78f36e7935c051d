"""Response types: how wrong is an inferred preference if some answers express no preference?

People answer some items by preference, some by tossing a coin, and some by the frame of the question. Envy is inferred
from all answers, and by a model that sorts items by type. Run it with ``scai-irl run response-types`` or ``python -m
experiments.response_types``.
"""

from __future__ import annotations

from experiments.response_types.figures import (
    response_figure,
    response_findings,
    response_table,
    sorting_figure,
    sorting_table,
)
from experiments.response_types.model import ResponseTypesStudy, infer_envy
from scai_irl.experiment.definition import experiment
from scai_irl.report.study import Study


@experiment("response-types", "preferences from genuine, random and framed answers", config=ResponseTypesStudy)
def response_types(config: ResponseTypesStudy, model: None) -> Study:
    """Simulate answers and infer envy in every way; report errors and the sorting of items."""
    estimates, sorted_items = infer_envy(config)
    return Study(
        findings=response_findings(estimates, sorted_items),
        tables={"estimates": estimates, "items_sorted": sorted_items},
        shown={"estimates": response_table(estimates), "items_sorted": sorting_table(sorted_items)},
        figures={"error": response_figure(estimates), "items_sorted": sorting_figure(sorted_items)},
    )
