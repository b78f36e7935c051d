"""What is said: language models, verbal policies, assistants, comparison, records and the command line."""

from scai_irl.io.errors import InputError
from scai_irl.language.phrases import read_policy, say_policy
from scai_irl.report.posterior_plot import plot_posterior
from scai_irl.results.results import Results, load

__all__ = ["InputError", "Results", "load", "plot_posterior", "read_policy", "say_policy"]
