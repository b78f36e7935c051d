"""The audit of recorded runs: the verbal posterior of their language model against the exact numerical posterior.

For every run and epoch: what an observer had reason to believe (`recorded_beliefs`, under `recorded_hypotheses`), what
the assistants then did (`recorded_verbal`), and how far the one is from the other, by run and over runs
(`recorded_pooled`). Interactions whose offer or answer could not be read are left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from scai_irl.compare.alignment import alignment_by_run, design_columns
from scai_irl.compare.recorded_beliefs import MEMORIES, Beliefs, Recording, beliefs_by_memory, read_recording
from scai_irl.compare.recorded_hypotheses import UserHypotheses
from scai_irl.compare.recorded_pooled import Pool, mean_intervals, resampled
from scai_irl.compare.recorded_setting import AuditSetting
from scai_irl.compare.recorded_tables import audit_arviz, beliefs_table, summary_table
from scai_irl.compare.recorded_verbal import Acts, answer_measures, offer_measures, verbal_posterior
from scai_irl.progress import Advance

__all__ = ["AuditSetting", "RecordedAudit", "audit_recorded", "audit_steps", "summary_table"]
