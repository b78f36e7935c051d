"""Fit every family by every method that applies, with a fixed key and few draws.

Usage: ``python fitted_families.py FOLDER [FAMILY ...]``. Each fit is a JSON file; a file that exists is not made
again. Compiled programs are kept where ``scai-irl`` keeps them, so a second recording is faster.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from inference import (
    CONTINUOUS_FAMILIES,
    CONTINUOUS_METHODS,
    FAMILIES,
    METHODS,
    compare,
    diagnose,
    evidence,
    infer,
    loo,
    make_family,
    predictive_check,
    thompson,
)
from scai_irl import read_policy, say_policy

SMALL: dict[str, dict[str, Any]] = {
    "grid": {"points": 7},
    "nuts": {"chains": 2, "warmup": 40, "draws": 30, "max_depth": 5, "warmup_depth": 5},
    "smc": {"populations": 2, "particles": 60},
    "laplace": {"starts": 2, "steps": 20, "draws": 100},
    "svi": {"fits": 2, "steps": 60, "draws": 100},
    "svi-mean-field": {"fits": 2, "steps": 60, "draws": 100},
}
"""Settings that make each method quick."""

_LARGEST_GRID = 3
_CHECKED = "smc"
_FIRST = 4
_STAKES = jnp.array([10, 37])
_KEY = 17

Quantities = dict[str, Any]


def main() -> None:
    """Fit the families named on the command line, or all."""
    folder, *names = sys.argv[1:]
    caches = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    update: Callable[[str, object], None] = jax.config.update
    update("jax_compilation_cache_dir", str(caches / "scai-irl" / f"jax-{platform.node()}"))
    update("jax_persistent_cache_min_compile_time_secs", 0.05)
    for name in names or [*FAMILIES, *CONTINUOUS_FAMILIES]:
        started = time.monotonic()
        for method, quantities in _fits(name, Path(folder) / name):
            file = Path(folder) / name / f"{method}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            partial = file.with_suffix(".partial")
            partial.write_text(json.dumps(plain(quantities), indent=1), encoding="utf-8")
            partial.replace(file)
            print(f"{name} by {method}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
            started = time.monotonic()


def _fits(name: str, folder: Path) -> Iterator[tuple[str, Quantities]]:
    if name in FAMILIES:
        for method in METHODS:
            if not (folder / f"{method}.json").exists():
                yield method, discrete(name, method)
        return
    for method in CONTINUOUS_METHODS:
        too_large = method == "grid" and CONTINUOUS_FAMILIES[name].family.dimension > _LARGEST_GRID
        if not too_large and not (folder / f"{method}.json").exists():
            yield method, continuous(name, method)


def discrete(name: str, method: str) -> Quantities:
    """Fit a family of finitely many hypotheses to three runs."""
    stake = [[10, 20, 40, 7], [10, 20, 40, 7], [100, 30, 9, 12]]
    offer = [[5, 10, 19, 3], [1, 0, 3, 1], [99, 29, 5, 2]]
    accepted = [[True, True, True, False], [True, False, True, True], [True, True, False, True]]
    data = evidence(stake, offer, accepted)
    posterior = infer(make_family(name, [20.0, 60.0], [0.0, 0.05]), data, key=jax.random.key(_KEY), method=method)
    updated = infer(posterior.hypotheses, data, posterior, jax.random.key(_KEY), method)
    numbers = {
        coordinate: {"mean": posterior.mean(coordinate), "interval": posterior.interval(coordinate)}
        for coordinate, values in posterior.hypotheses.coordinates().items()
        if np.issubdtype(values.dtype, np.number)
    }
    sentences = [say_policy(posterior.hypotheses.policy(index)) for index in range(0, posterior.hypotheses.size, 97)]
    return {
        "sentences": sentences,
        "read": [str(read_policy(sentence)) for sentence in sentences],
        "log_prob": posterior.log_prob,
        "log_evidence": posterior.log_evidence,
        "updated_log_prob": updated.log_prob,
        "norms": posterior.norms,
        "norm_probabilities": posterior.norm_probabilities,
        "numbers": numbers,
        "most_probable": posterior.most_probable(),
        "thompson": thompson(jax.random.key(_KEY), posterior, 5),
        "predictive": posterior.predictive(_STAKES)._asdict(),
    }


def continuous(name: str, method: str) -> Quantities:
    """Fit a continuous family to its own small design."""
    entry = CONTINUOUS_FAMILIES[name]
    small = dataclasses.replace(CONTINUOUS_METHODS[method], **SMALL[method])
    key = jax.random.key(_KEY)
    posterior = infer(entry.family, entry.design(), key=key, method=small, allow_disagreement=True)
    weights = posterior.weights
    parameters = {}
    for parameter, values in posterior.theta.items():
        mean = posterior.mean(parameter)
        spread = np.einsum("rcd,rcd...->r...", weights, (values - mean[:, None, None]) ** 2)
        parameters[parameter] = {
            "mean": mean,
            "sd": np.sqrt(spread),
            "interval": posterior.interval(parameter),
            "first": values[:, :, :_FIRST],
        }
    quantities = {
        "shape": weights.shape,
        "parameters": parameters,
        "log_evidence": posterior.log_evidence,
        "log_prob": posterior.log_prob[:, :, :_FIRST],
        "norms": posterior.norms,
        "mode_probabilities": posterior.mode_probabilities,
        "monitored": {number: values[:, :, :_FIRST] for number, values in posterior.monitored.items()},
        "diagnostics": dataclasses.asdict(diagnose(posterior)),
    }
    return quantities | (_checks(posterior) if method == _CHECKED else {})


def _checks(posterior: Any) -> Quantities:
    """Compute what follows from a posterior, for one method only, since each costs a compilation."""
    key = jax.random.key(_KEY)
    return {
        "expected_choices": posterior.predict(),
        "loo": _attempted(lambda: loo(posterior, draws=50, key=key).pointwise),
        "compare": _attempted(lambda: compare({"one": posterior, "two": posterior}, draws=50, key=key)),
        "check": _attempted(lambda: predictive_check(posterior, key, draws=20).p_value),
        "predictive": _attempted(lambda: posterior.predictive(_STAKES)._asdict()),
        "thompson": _attempted(lambda: thompson(key, posterior, 5)),
    }


def _attempted(compute: Any) -> Any:
    """Compute something, or name the error where the family does not have it."""
    try:
        return compute()
    except (TypeError, ValueError) as refused:
        return {"refused": type(refused).__name__}


def plain(value: Any) -> Any:
    """Turn arrays and tables into lists, which JSON keeps to the last digit."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if hasattr(value, "to_dict"):
        return plain(value.reset_index().to_dict("list"))
    return np.asarray(value).tolist()


if __name__ == "__main__":
    main()
