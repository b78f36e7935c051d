"""What is said: language models, verbal policies, assistants, comparison, records and the command line."""

from scai_irl.shadowed import refuse_hidden_packages

refuse_hidden_packages()  # before anything else is imported

from scai_irl.errors import InputError  # noqa: E402
from scai_irl.language.phrases import read_policy, say_policy  # noqa: E402
from scai_irl.records.results import Results, load  # noqa: E402
from scai_irl.report.plots import plot_posterior  # noqa: E402

__all__ = ["InputError", "Results", "load", "plot_posterior", "read_policy", "say_policy"]
