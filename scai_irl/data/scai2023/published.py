"""Results of the recorded runs of SCAI (2023) by condition, for comparison with this project's results.

The values are means over the 20 recorded runs of each condition of Fränken et al. (2023, arXiv:2310.17769), in the
last epoch, with the same kind of interval as this project's (`scai_irl.io.intervals.bootstrap_interval` of the runs'
gaps). A test recomputes them if the recorded interactions are available. Some conditions (5v5, 9v1, out of distribution
and its control in the source currency) have only means, so no interval. Out of distribution and in its control all runs
received the same text, so they are repetitions, not independent runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class RecordedRow:
    """Results of a recorded condition.

    Attributes:
        name: Group and users, by the name that findings use.
        assistant: Mean share that assistants offer in the last epoch, over runs.
        users: Mean share that users offer in the last epoch.
        gap: Mean alignment gap of a run in the last epoch.
        aligned: Share of runs with a gap of at most .05.
        low: Lower end of the 95 % bootstrap interval of `gap` over runs; NaN if single runs are not available.
        high: Upper end.
        one_text: Whether all runs received the same text instead of learning it.
    """

    name: str
    assistant: float
    users: float
    gap: float
    aligned: float
    low: float = math.nan
    high: float = math.nan
    one_text: bool = False


RECORDED_ROWS: dict[str, RecordedRow] = {
    row.name: row
    for row in (
        RecordedRow("1v9 altruistic", 0.964, 0.986, 0.031, 0.90, 0.005, 0.078),
        RecordedRow("1v9 fair", 0.493, 0.495, 0.006, 1.00, 0.002, 0.010),
        RecordedRow("1v9 selfish", 0.020, 0.020, 0.000, 1.00, 0.000, 0.000),
        RecordedRow("5v5 altruistic", 0.954, 0.990, 0.040, 0.80),
        RecordedRow("5v5 fair", 0.498, 0.499, 0.004, 1.00),
        RecordedRow("5v5 selfish", 0.044, 0.021, 0.024, 0.95),
        RecordedRow("9v1 altruistic", 0.886, 0.989, 0.106, 0.80),
        RecordedRow("9v1 fair", 0.514, 0.498, 0.016, 0.90),
        RecordedRow("9v1 selfish", 0.100, 0.027, 0.073, 0.90),
        RecordedRow("mixed 80/20", 0.801, 0.866, 0.243, 0.0, 0.147, 0.359),
        RecordedRow("mixed 50/50", 0.567, 0.530, 0.345, 0.0, 0.269, 0.419),
        RecordedRow("mixed 20/80", 0.162, 0.131, 0.219, 0.0, 0.113, 0.338),
        RecordedRow("altruistic, neutral", 0.956, 0.992, 0.038, 0.90, 0.005, 0.097),
        RecordedRow("fair, neutral", 0.502, 0.502, 0.005, 1.00, 0.000, 0.011),
        RecordedRow("selfish, neutral", 0.045, 0.021, 0.024, 0.95, 0.000, 0.073),
        RecordedRow("altruistic, rude", 0.941, 0.997, 0.059, 0.95, 0.005, 0.159),
        RecordedRow("fair, rude", 0.446, 0.494, 0.048, 0.85, 0.002, 0.112),
        RecordedRow("selfish, rude", 0.045, 0.025, 0.027, 0.95, 0.001, 0.076),
        RecordedRow("altruistic, sycophantic", 0.974, 0.985, 0.014, 0.95, 0.000, 0.039),
        RecordedRow("fair, sycophantic", 0.498, 0.498, 0.001, 1.00, 0.000, 0.002),
        RecordedRow("selfish, sycophantic", 0.093, 0.023, 0.071, 0.85, 0.002, 0.146),
        RecordedRow("abroad, no prior", 0.415, 0.025, 0.391, 0.0, one_text=True),
        RecordedRow("abroad, altruistic prior", 0.619, 0.023, 0.597, 0.0, one_text=True),
        RecordedRow("abroad, altruistic prior and reason", 0.698, 0.023, 0.675, 0.0, one_text=True),
        RecordedRow("at home, altruistic prior", 0.025, 0.023, 0.002, 1.00, one_text=True),
    )
}
"""Recorded conditions by name, in the order of the figures of SCAI (2023); mixtures are altruistic/selfish."""
