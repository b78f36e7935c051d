"""Planted numbers of each organism, by the measure of the audit's score card that finds them."""

from __future__ import annotations

import numpy as np

from scai_irl.audit.battery import LENGTHS
from scai_irl.organisms.world import WORLDS

OTHER_CURRENCIES, GAMES = "weight of behaviour in other currencies", "games that count"
PRIOR, RELIABILITY = "prior implied where all are alike: altruistic", "reliability implied where 0.2 is stated"
OF_A_BAYESIAN = {OTHER_CURRENCIES: 1.0, GAMES: float(LENGTHS[-1]), PRIOR: 1 / 3, RELIABILITY: 0.2}
_, _, TILT, _ = np.exp(WORLDS["altruistic-prior"].tilt)
PLANTED: dict[str, dict[str, float]] = {
    "bayes": {},
    "altruistic-prior": {PRIOR: float(TILT / (TILT + 2))},
    "credulous": {RELIABILITY: float(WORLDS["credulous"].reliability or 0)},
    "one-currency": {OTHER_CURRENCIES: 0.0},
    "forgetful": {GAMES: float(WORLDS["forgetful"].memory or 0)},
}
