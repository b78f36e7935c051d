"""All experiments of Social Contract AI and of this project, for ``scai-irl reproduce paper``.

Rows of SCAI (2023) run with the phrasebook, which loses no information, and with the organism *bayes*, a language model
that was trained to be Bayesian. The preset ``full`` has five times as many runs of every experiment; ``cluster`` is the
same with a served model instead of the organism.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scai_irl.experiment.reproduce import Reproduction, Step

_BAYES = {"backend": "embedded", "model": "bayes"}
_SERVED = {"backend": "vllm-server"}

_AGENTS = {"agents": ("thompson", "scai", "scai-memory")}
"""Agents: a Bayesian, the procedure of SCAI (2023), and this procedure with the transcripts of all epochs."""

_ROWS: tuple[tuple[str, Mapping[str, Any], float, float], ...] = (
    ("one-group-norm", _AGENTS, 12, 121),
    ("mixed-group-norm", _AGENTS, 6, 40),
    ("subgroup-norms", {}, 9, 47),
    ("inconsistent-language", _AGENTS, 10, 65),
    ("out-of-distribution", {"agents": ("as-learned", "transfer", "model")}, 5, 33),
)
"""Experiments with rows in the table of SCAI (2023): options, seconds with the phrasebook and with the organism."""

_UNTAUGHT = {"out-of-distribution": {"agents": ("as-learned", "transfer")}}
"""Options of rows with the organism. It was not trained to transfer a text to other currencies."""

_OTHERS: tuple[tuple[str, Mapping[str, Any], float], ...] = (
    ("assistants-only", {}, 4),
    ("assistant-variants", {}, 8),
    ("temperature", {**_BAYES, "rationalities": (200.0, 5.0)}, 130),
    ("prior-ablation", {}, 3),
    ("changing-norms", {}, 10),
    ("language-and-learning", _BAYES, 62),
    ("currency-suite", {}, 48),
    ("preference-groups", {}, 5),
    ("layered-contracts", {}, 7),
    ("capitulation", _BAYES, 9),
    ("response-types", {}, 33),
    ("model-organisms", {}, 77),
)
"""Other experiments: options and seconds."""

_WITH_DATA: tuple[tuple[str, Mapping[str, Any], float], ...] = (
    ("recorded-gpt4", {"data": "data:scai_gpt4/scai-release-recorded-runs.tar.xz"}, 7),
    ("human-norms", {"data": "data:human/heffner_feldmanhall_2022/ug_data.csv", "method": "laplace"}, 10),
    ("aligned-to-people", {"data": "data:human/heffner_feldmanhall_2022/ug_data.csv"}, 2),
)
"""Experiments that need data, which ``--data`` names."""

_LARGER = 5

_NUMBERS = {
    "subgroup-norms": ("societies", 20),
    "preference-groups": ("societies", 40),
    "layered-contracts": ("societies", 40),
    "response-types": ("people", 100),
    "prior-ablation": ("runs", 100),
}
"""Options that the full preset multiplies, with their defaults, if these are not 20 runs."""


def _small() -> list[Step]:
    rows = [
        step
        for name, options, by_rule, by_model in _ROWS
        for step in (
            Step(name, name, options, by_rule),
            Step(f"{name}-bayes", name, {**options, **_UNTAUGHT.get(name, {}), **_BAYES}, by_model),
        )
    ]
    return [*rows, *(Step(name, name, options, seconds) for name, options, seconds in (*_OTHERS, *_WITH_DATA))]


def _full() -> list[Step]:
    """List with five times as many runs of each experiment."""
    return [step if step.experiment in _OF_DATA else _larger(step) for step in _small()]


def _larger(step: Step) -> Step:
    name, usual = _NUMBERS.get(step.experiment, ("runs", 20))
    return replace(step, options={**step.options, name: usual * _LARGER}, seconds=step.seconds * _LARGER)


_OF_DATA = {name for name, _, _ in _WITH_DATA}


def _cluster() -> list[Step]:
    """Full list with a served model instead of the organism; it also gets all requests that the phrasebook gets."""
    untrimmed = {name: options for name, options, _, _ in _ROWS}
    return [
        replace(
            step,
            name=step.name.replace("-bayes", "-served"),
            options={**step.options, **untrimmed.get(step.experiment, {}), **_SERVED, "model": ""},
        )
        if step.options.get("backend") == "embedded"
        else step
        for step in _full()
    ]


_EXTRAPOLATED = "extrapolated from the preset small, times five"

PAPER = Reproduction(
    "paper",
    "Social Contract AI: reproduction and extensions",
    {"small": _small(), "full": _full(), "cluster": _cluster()},
    {"full": _EXTRAPOLATED, "cluster": _EXTRAPOLATED},
)
