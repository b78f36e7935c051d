"""Methods of inference, in one namespace: ``inference.methods.Nuts``, ``inference.methods.exact``."""

from inference.checks.calibration import CALIBRATION_METHODS, calibration_method
from inference.discrete.exact import exact
from inference.infer import CONTINUOUS_METHODS, METHODS, default_method
from inference.samplers.fit import Method
from inference.samplers.grid import Grid
from inference.samplers.laplace import Laplace
from inference.samplers.nuts import Nuts
from inference.samplers.smc import Smc
from inference.samplers.svi import Svi

__all__ = [
    "CALIBRATION_METHODS",
    "CONTINUOUS_METHODS",
    "METHODS",
    "Grid",
    "Laplace",
    "Method",
    "Nuts",
    "Smc",
    "Svi",
    "calibration_method",
    "default_method",
    "exact",
]
