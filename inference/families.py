"""Families of hypotheses, in one namespace: ``inference.families.FehrSchmidt``, ``inference.families.named_norms``."""

from inference.continuous.controllable_responders import Discounting, PlanningAhead
from inference.continuous.family import HypothesisFamily
from inference.continuous.groups import NormGroups
from inference.continuous.hierarchy import Hierarchical
from inference.continuous.language import SpokenNorm
from inference.continuous.learning import UgBayes, UgDelta
from inference.continuous.named import NamedNorm, NormShares
from inference.continuous.one_shot import CesAltruism, CharnessRabin, FehrSchmidt, LayeredContract, Reciprocity
from inference.continuous.parameters import Parameter
from inference.continuous.registry import CONTINUOUS_FAMILIES, ContinuousFamily, continuous_family
from inference.continuous.responses import ResponseTypes
from inference.continuous.sequential import RewardFamily
from inference.continuous.strategy_method import StrategyMethod
from inference.discrete.hypotheses import Hypotheses
from inference.discrete.named_families import FAMILIES, Family, make_family, named_norms, norm_mixtures, parameter_grid

__all__ = [
    "CONTINUOUS_FAMILIES",
    "FAMILIES",
    "CesAltruism",
    "CharnessRabin",
    "ContinuousFamily",
    "Discounting",
    "Family",
    "FehrSchmidt",
    "Hierarchical",
    "Hypotheses",
    "HypothesisFamily",
    "LayeredContract",
    "NamedNorm",
    "NormGroups",
    "NormShares",
    "Parameter",
    "PlanningAhead",
    "Reciprocity",
    "ResponseTypes",
    "RewardFamily",
    "SpokenNorm",
    "StrategyMethod",
    "UgBayes",
    "UgDelta",
    "continuous_family",
    "make_family",
    "named_norms",
    "norm_mixtures",
    "parameter_grid",
]
