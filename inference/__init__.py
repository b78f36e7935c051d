"""What is believed: policy hypotheses, posteriors over them, Thompson sampling and diagnostics.

This floor sees users' actions only; nothing here knows that language models exist.
"""

from inference.evidence import Evidence, evidence
from inference.exact import exact, uniform_posterior
from inference.families import FAMILIES, make_family, named_norms, norm_mixtures, parameter_grid
from inference.hypotheses import Hypotheses
from inference.methods import METHODS, infer
from inference.posterior import DiscretePosterior, Posterior, Predictive
from inference.thompson import thompson

__all__ = [
    "FAMILIES",
    "METHODS",
    "DiscretePosterior",
    "Evidence",
    "Hypotheses",
    "Posterior",
    "Predictive",
    "evidence",
    "exact",
    "infer",
    "make_family",
    "named_norms",
    "norm_mixtures",
    "parameter_grid",
    "thompson",
    "uniform_posterior",
]
