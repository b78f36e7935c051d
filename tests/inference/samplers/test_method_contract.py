"""Methods for continuous families obey the contract, with settings that make them fast."""

from __future__ import annotations

import pytest

from inference import Grid, Laplace, Nuts, Smc, Svi
from inference.samplers.fit import Method
from scai_irl.testing import MethodContract

QUICK: dict[str, Method] = {
    "grid": Grid(),
    "nuts": Nuts(chains=2, warmup=400, draws=3_000),
    "smc": Smc(populations=2, particles=2_000),
    "laplace": Laplace(),
    "svi": Svi(guide="full-rank", fits=2, steps=1_500),
}


class TestEveryMethod(MethodContract):
    @pytest.fixture(
        params=[pytest.param(name, marks=[pytest.mark.slow] * (name not in {"grid", "laplace"})) for name in QUICK]
    )
    def method(self, request: pytest.FixtureRequest) -> Method:
        return QUICK[request.param]
