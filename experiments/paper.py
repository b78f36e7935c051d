"""Every experiment of Social Contract AI and beyond, in one list: ``scai-irl reproduce paper``.

Rows of the predecessor's figures are run with the phrasebook, which loses nothing, and with the organism *bayes*, a
language model that is Bayesian by training. The preset ``full`` has more runs and asks the organism everything;
``cluster`` asks a served model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scai_irl.reproduce import Reproduction, Step

_BAYES = {"backend": "embedded", "model": "bayes"}
_SERVED = {"backend": "vllm-server"}

_ROWS: tuple[tuple[str, Mapping[str, Any], float, float], ...] = (
    ("one-group-norm", {"agents": ("thompson", "scai-memory")}, 9, 90),
    ("mixed-group-norm", {"agents": ("thompson", "scai-memory")}, 4, 28),
    ("subgroup-norms", {}, 9, 47),
    ("inconsistent-language", {}, 7, 46),
    ("out-of-distribution", {}, 2, 33),
)
"""Experiments with rows in the predecessor's table: options, seconds with the phrasebook and with the organism."""

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
"""The others, with options and seconds."""

_WITH_DATA: tuple[tuple[str, Mapping[str, Any], float], ...] = (
    ("recorded-gpt4", {"data": "data:scai_gpt4/scai-release-recorded-runs.tar.xz"}, 7),
    ("human-norms", {"data": "data:human/heffner_feldmanhall_2022/ug_data.csv", "method": "laplace"}, 10),
    ("aligned-to-people", {"data": "data:human/heffner_feldmanhall_2022/ug_data.csv"}, 2),
)
"""Those that need data, which ``--data`` names."""

_LARGER = 5

_NUMBERS = {
    "subgroup-norms": ("societies", 20),
    "preference-groups": ("societies", 40),
    "layered-contracts": ("societies", 40),
    "response-types": ("people", 100),
    "prior-ablation": ("runs", 100),
}
"""What there are more of in the full preset, and how many there are by default, where those are not 20 runs."""


def _small() -> list[Step]:
    rows = [
        step
        for name, options, by_rule, by_model in _ROWS
        for step in (
            Step(name, name, options, by_rule),
            Step(f"{name}-bayes", name, {**options, **_BAYES}, by_model),
        )
    ]
    return [*rows, *(Step(name, name, options, seconds) for name, options, seconds in (*_OTHERS, *_WITH_DATA))]


def _full() -> list[Step]:
    """Five times as many runs, wherever there are runs."""
    return [step if step.experiment in _OF_DATA else _larger(step) for step in _small()]


def _larger(step: Step) -> Step:
    name, usual = _NUMBERS.get(step.experiment, ("runs", 20))
    return replace(step, options={**step.options, name: usual * _LARGER}, seconds=step.seconds * _LARGER)


_OF_DATA = {name for name, _, _ in _WITH_DATA}


def _cluster() -> list[Step]:
    """The full list with a served model in the organism's place."""
    return [
        replace(step, name=step.name.replace("-bayes", "-served"), options={**step.options, **_SERVED, "model": ""})
        if step.options.get("backend") == "embedded"
        else step
        for step in _full()
    ]


PAPER = Reproduction(
    "paper",
    "Social Contract AI, reproduced and continued",
    {"small": _small(), "full": _full(), "cluster": _cluster()},
)
