"""What is said: language models, verbal policies, assistants, comparison, records and the command line."""

from scai_irl.io.shadowed import refuse_hidden_packages

refuse_hidden_packages()  # before anything else is imported

from scai_irl.io.errors import InputError  # noqa: E402
from scai_irl.language.phrases import read_policy, say_policy  # noqa: E402
from scai_irl.report.posterior_plot import plot_posterior  # noqa: E402
from scai_irl.results.results import Results, load  # noqa: E402

__all__ = ["InputError", "Results", "load", "plot_posterior", "read_policy", "say_policy"]
