"""Bayesian inference on the policies of users: posteriors, Thompson sampling, diagnostics.

This package uses only users' actions. It does not depend on language models.

Functions and constructors of data are here: `infer`, `thompson`, `loo`, `compare`, `calibrate`, `diagnose`; `evidence`,
`spoken`, `framed`, `strategies`, `trajectories`. Hypotheses are in `inference.families`, methods in
`inference.methods`.
"""

from inference import families, methods
from inference.checks.calibration import CALIBRATION_METHODS, Calibration, calibrate, calibration_method
from inference.checks.diagnostics import ChainsDisagreeError, DataWarning, Diagnostics, diagnose
from inference.checks.loo import compare, loo
from inference.checks.predictive_check import predictive_check
from inference.continuous.controllable_responders import Discounting, PlanningAhead
from inference.continuous.family import HypothesisFamily
from inference.continuous.groups import NormGroups
from inference.continuous.hierarchy import Hierarchical
from inference.continuous.language import SpokenEvidence, SpokenNorm, spoken
from inference.continuous.learning import UgBayes, UgDelta
from inference.continuous.named import NamedNorm, NormShares
from inference.continuous.one_shot import CesAltruism, CharnessRabin, FehrSchmidt, LayeredContract, Reciprocity
from inference.continuous.parameters import Parameter
from inference.continuous.registry import CONTINUOUS_FAMILIES, continuous_family
from inference.continuous.responses import FramedEvidence, ResponseTypes, framed
from inference.continuous.sequential import RewardFamily
from inference.continuous.strategy_method import StrategyMethod, strategies
from inference.continuous.trajectories import Trajectories, trajectories
from inference.discrete.evidence import Evidence, evidence
from inference.discrete.exact import exact, uniform_posterior
from inference.discrete.hypotheses import Hypotheses
from inference.discrete.named_families import FAMILIES, make_family, named_norms, norm_mixtures, parameter_grid
from inference.discrete.posterior import DiscretePosterior, Posterior, Predictive
from inference.discrete.streaming import PosteriorSummaries, stream_posteriors, summarise_posteriors
from inference.infer import CONTINUOUS_METHODS, METHODS, default_method, infer
from inference.samplers.grid import Grid
from inference.samplers.groups_found import GroupsFound, groups_found
from inference.samplers.laplace import Laplace
from inference.samplers.marginals import posterior_of_new_row, posterior_of_row
from inference.samplers.nuts import Nuts
from inference.samplers.posterior import SampledPosterior
from inference.samplers.smc import Smc
from inference.samplers.svi import Svi
from inference.thompson import thompson

__all__ = [
    "Calibration",
    "ChainsDisagreeError",
    "DataWarning",
    "Diagnostics",
    "DiscretePosterior",
    "Evidence",
    "FramedEvidence",
    "GroupsFound",
    "Posterior",
    "PosteriorSummaries",
    "Predictive",
    "SampledPosterior",
    "SpokenEvidence",
    "Trajectories",
    "calibrate",
    "compare",
    "diagnose",
    "evidence",
    "families",
    "framed",
    "groups_found",
    "infer",
    "loo",
    "methods",
    "posterior_of_new_row",
    "posterior_of_row",
    "predictive_check",
    "spoken",
    "strategies",
    "stream_posteriors",
    "summarise_posteriors",
    "thompson",
    "trajectories",
    "uniform_posterior",
]

# Families and methods under their older, shorter names.
__all__ += [
    "CALIBRATION_METHODS",
    "CONTINUOUS_FAMILIES",
    "CONTINUOUS_METHODS",
    "FAMILIES",
    "METHODS",
    "CesAltruism",
    "CharnessRabin",
    "Discounting",
    "FehrSchmidt",
    "Grid",
    "Hierarchical",
    "Hypotheses",
    "HypothesisFamily",
    "Laplace",
    "LayeredContract",
    "NamedNorm",
    "NormGroups",
    "NormShares",
    "Nuts",
    "Parameter",
    "PlanningAhead",
    "Reciprocity",
    "ResponseTypes",
    "RewardFamily",
    "Smc",
    "SpokenNorm",
    "StrategyMethod",
    "Svi",
    "UgBayes",
    "UgDelta",
    "calibration_method",
    "continuous_family",
    "default_method",
    "exact",
    "make_family",
    "named_norms",
    "norm_mixtures",
    "parameter_grid",
]
