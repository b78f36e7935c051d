"""What is believed: policy hypotheses, posteriors over them, Thompson sampling and diagnostics.

This floor sees users' actions only; nothing here knows that language models exist.
"""

from inference.calibration import CALIBRATION_METHODS, Calibration, calibrate
from inference.continuous.family import HypothesisFamily
from inference.continuous.groups import NormGroups
from inference.continuous.hierarchy import Hierarchical
from inference.continuous.language import SpokenEvidence, SpokenNorm, spoken
from inference.continuous.named import NamedNorm, NormShares
from inference.continuous.one_shot import CesAltruism, CharnessRabin, FehrSchmidt, LayeredContract, Reciprocity
from inference.continuous.parameters import Parameter
from inference.continuous.registry import CONTINUOUS_FAMILIES, continuous_family
from inference.continuous.responses import FramedEvidence, ResponseTypes, framed
from inference.diagnostics import ChainsDisagreeError, DataWarning, Diagnostics, diagnose
from inference.evidence import Evidence, evidence
from inference.exact import exact, uniform_posterior
from inference.families import FAMILIES, make_family, named_norms, norm_mixtures, parameter_grid
from inference.fitting.grid import Grid
from inference.fitting.laplace import Laplace
from inference.fitting.nuts import Nuts
from inference.fitting.smc import Smc
from inference.fitting.svi import Svi
from inference.groups_found import GroupsFound, groups_found
from inference.hypotheses import Hypotheses
from inference.methods import CONTINUOUS_METHODS, METHODS, default_method, infer
from inference.posterior import DiscretePosterior, Posterior, Predictive
from inference.row_posteriors import posterior_of_new_row, posterior_of_row
from inference.sampled import SampledPosterior
from inference.thompson import thompson

__all__ = [
    "CALIBRATION_METHODS",
    "CONTINUOUS_FAMILIES",
    "CONTINUOUS_METHODS",
    "FAMILIES",
    "METHODS",
    "Calibration",
    "CesAltruism",
    "ChainsDisagreeError",
    "CharnessRabin",
    "DataWarning",
    "Diagnostics",
    "DiscretePosterior",
    "Evidence",
    "FehrSchmidt",
    "FramedEvidence",
    "Grid",
    "GroupsFound",
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
    "Posterior",
    "Predictive",
    "Reciprocity",
    "ResponseTypes",
    "SampledPosterior",
    "Smc",
    "SpokenEvidence",
    "SpokenNorm",
    "Svi",
    "calibrate",
    "continuous_family",
    "default_method",
    "diagnose",
    "evidence",
    "exact",
    "framed",
    "groups_found",
    "infer",
    "make_family",
    "named_norms",
    "norm_mixtures",
    "parameter_grid",
    "posterior_of_new_row",
    "posterior_of_row",
    "spoken",
    "thompson",
    "uniform_posterior",
]
