"""Capitulation: does a model follow the tone of users who push, flatter or rebuke, instead of their behaviour?

Each tone is compared with silence, and with talk about other things, because any unknown words may change a model's
beliefs. Run it with ``scai-irl run capitulation`` or ``python -m experiments.capitulation``.
"""

from __future__ import annotations

from experiments.capitulation.figures import tone_figure, tone_findings, tone_table
from experiments.capitulation.model import Capitulation, answered, evidence_effect, tone_effects, watched
from scai_irl.experiment.definition import experiment
from scai_irl.experiment.run_study import Model
from scai_irl.report.study import Study


@experiment("capitulation", "users who push, flatter or rebuke", config=Capitulation)
def capitulation(config: Capitulation, model: Model) -> Study:
    """Ask about the same interactions in silence, with bland talk and in every tone; report the effects of tones."""
    seen, answers = watched(config, model), answered(config, model)
    effects = tone_effects(seen, answers)
    question = "Does the model follow users' tone instead of their behaviour?"
    return Study(
        tone_findings(effects, evidence_effect(seen), question),
        tables={"watched": seen, "answered": answers, "tone_effects": effects},
        shown={"tones": tone_table(effects)},
        figures={"tones": tone_figure(effects)},
    )
