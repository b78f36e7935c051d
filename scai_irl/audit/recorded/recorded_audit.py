"""The audit of recorded runs: the verbal posterior of their language model compared with the exact posterior.

`numerical` computes the numerical posterior of every run and epoch, under the hypotheses of `recorded_hypotheses`.
`verbal_behaviour` computes the verbal posterior from the assistants' behaviour. `recorded_tables` compares the two by
run, and `pooled` over runs. Interactions whose offer or answer could not be read are left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scai_irl.audit.recorded.arviz_export import audit_arviz
from scai_irl.audit.recorded.numerical import MEMORIES, beliefs_by_memory, read_recording
from scai_irl.audit.recorded.pooled import Pool, mean_intervals, resampled
from scai_irl.audit.recorded.recorded_hypotheses import UserHypotheses
from scai_irl.audit.recorded.recorded_setting import AuditSetting
from scai_irl.audit.recorded.recorded_tables import beliefs_table, by_run_table, users_of
from scai_irl.audit.recorded.verbal_behaviour import RecordedActs
from scai_irl.io.progress import Advance
from scai_irl.measure.alignment import design_columns

__all__ = ["AuditSetting", "RecordedAudit", "audit_recorded", "audit_steps", "summary_table"]

_LABELS = ("kind", "users", "manner")


@dataclass(frozen=True)
class RecordedAudit:
    """Results of the audit of recorded runs.

    Attributes:
        beliefs: One row for each run, epoch, memory and norm (`recorded_tables.beliefs_table`).
        by_run: One row for each run, epoch and memory (`recorded_tables.by_run_table`).
        summary: One row for each condition, epoch and memory: the means of all measures over runs with bootstrap
            intervals (``_low``, ``_high``), the pooled distances (`pooled.Pool.pooled`), and the mean
            ``numerical_NORM``, ``verbal_NORM`` and ``truth_NORM`` of every norm.
        posterior: ArviZ object of the numerical posteriors (`arviz_export.audit_arviz`).
    """

    beliefs: pd.DataFrame
    by_run: pd.DataFrame
    summary: pd.DataFrame
    posterior: Any


def audit_steps(interactions: pd.DataFrame) -> int:
    """Return the number of times that `audit_recorded` calls `advance`.

    Example:
        >>> audit_steps(pd.DataFrame({"epoch": [1, 1, 2]}))
        4
    """
    return int(interactions["epoch"].nunique()) + len(MEMORIES)


def audit_recorded(
    interactions: pd.DataFrame, setting: AuditSetting | None = None, advance: Advance | None = None
) -> RecordedAudit:
    """Compare the behaviour of recorded assistants with the exact posterior given the same observations.

    Args:
        interactions: Table that `scai_irl.data.scai2023.recorded_runs.read_scai2023` returns.
        setting: Hypotheses and intervals; the defaults fit GPT-4's users.
        advance: Called after each epoch and after each memory's tables, `audit_steps` times in all.

    Raises:
        InputError: If the table has another form.
    """
    setting = AuditSetting() if setting is None else setting
    advance = _ignore if advance is None else advance
    recording, hypotheses = read_recording(interactions), UserHypotheses(setting)
    beliefs = beliefs_by_memory(recording, hypotheses, advance)
    acts = RecordedActs(recording, hypotheses)
    users = users_of(interactions, recording, setting.norms)
    recorded_epochs = np.zeros(acts.shape, bool)
    recorded_epochs[recording.run, recording.epoch] = True
    long, by_run, summary = [], [], []
    for memory, memory_beliefs in beliefs.items():
        pool = Pool(acts, memory_beliefs, setting.resamples, setting.replicas, setting.confidence, setting.seed)
        long.append(beliefs_table(acts, memory_beliefs, users.truth, memory, recorded_epochs))
        by_run.append(by_run_table(interactions, acts, memory_beliefs, pool, users, memory, recorded_epochs))
        summary.append(_summary(long[-1], by_run[-1], pool, setting))
        advance(f"distances, memory {memory}")
    return RecordedAudit(
        beliefs=pd.concat(long, ignore_index=True),
        by_run=pd.concat(by_run, ignore_index=True),
        summary=pd.concat(summary, ignore_index=True),
        posterior=audit_arviz(recording, hypotheses, beliefs, users.truth),
    )


def summary_table(summary: pd.DataFrame, epoch: int | None = None, memory: str = "all") -> pd.DataFrame:
    """Format one epoch of the summary for display, with one row for each condition.

    The columns are:

    - the users and their ``manner``;
    - the mean numerical and verbal weight of every norm, in hundredths, in the order of the setting;
    - distances by run, with the value of posterior sampling in brackets, and their excess with a bootstrap interval;
    - pooled distances, with the share of posterior-sampling replicas at least as far off (p);
    - three alignment gaps: of the assistants, of an assistant that samples offers from the numerical predictive
      ("drawn"), and of one that offers the predictive mean;
    - the number of runs whose E[w] is within 0.15 of the truth;
    - the mean distance of answers from P(accept), with the value of posterior sampling in brackets.

    Args:
        summary: `RecordedAudit.summary`.
        epoch: Number of the epoch; the last unless given.
        memory: Memory of the numerical posterior, one of `numerical.MEMORIES`.
    """
    last = int(summary["epoch"].max()) if epoch is None else epoch
    chosen = summary[(summary["epoch"] == last) & (summary["memory"] == memory)]
    norms = [str(name).removeprefix("numerical_") for name in chosen if _is_norm_column(str(name))]
    initials = "/".join(norm[0] for norm in norms)

    def weights(source: str) -> list[str]:
        table = chosen[[f"{source}_{norm}" for norm in norms]].to_numpy() * 100
        return ["/".join("–" if np.isnan(weight) else f"{weight:.0f}" for weight in row) for row in table]

    def with_reference(name: str, reference: str) -> list[str]:
        pairs = zip(chosen[name], chosen[reference], strict=True)
        return [f"{_number(value)} ({_number(expected)})" for value, expected in pairs]

    def interval(name: str) -> list[str]:
        rows = chosen[[name, f"{name}_low", f"{name}_high"]].itertuples(index=False)
        return [f"{_number(value)} [{_number(low)}, {_number(high)}]" for value, low, high in rows]

    def pooled(name: str) -> list[str]:
        rows = chosen[[f"{name}_pooled", f"{name}_pooled_p"]].itertuples(index=False)
        return [f"{_number(value)} (p {_number(p)})" for value, p in rows]

    return pd.DataFrame(
        {
            "users": chosen["users"].to_list(),
            "manner": chosen["manner"].to_list(),
            f"numerical {initials}": weights("numerical"),
            f"verbal {initials}": weights("verbal"),
            "TV": with_reference("tv", "tv_reference"),
            "TV excess": interval("tv_excess"),
            "W₁": with_reference("w1", "w1_reference"),
            "W₁ excess": interval("w1_excess"),
            "TV pooled": pooled("tv"),
            "W₁ pooled": pooled("w1"),
            "gap": [_number(value) for value in chosen["gap"]],
            "gap, drawn": [_number(value) for value in chosen["gap_reference"]],
            "gap, mean": [_number(value) for value in chosen["gap_numerical"]],
            "E[w] right": [
                "–" if np.isnan(right) else f"{right * runs:.0f} of {runs}"
                for right, runs in zip(chosen["within"], chosen["runs"], strict=True)
            ],
            "answers": with_reference("answer_distance", "answer_reference"),
        }
    )


def _summary(long: pd.DataFrame, by_run: pd.DataFrame, pool: Pool, setting: AuditSetting) -> pd.DataFrame:
    """Reduce one memory's tables to one row for each condition and epoch."""
    design, norms = design_columns(pool.acts.recording.runs), list(setting.norms)
    keys = [*design, *(label for label in _LABELS if label not in design), "epoch", "memory"]
    weights = [
        long.pivot(index=[*design, "run", "epoch"], columns="norm", values=source)[norms].add_prefix(f"{name}_")
        for source, name in (("weight", "numerical"), ("verbal", "verbal"), ("truth", "truth"))
    ]
    table = by_run.join(pd.concat(weights, axis=1), on=[*design, "run", "epoch"])
    measures = [str(name) for name in table if name not in {*keys, "run"}]
    condition_of_run = pool.acts.recording.runs.groupby(design, sort=False).ngroup().to_numpy()
    condition = dict(
        zip(pool.acts.recording.runs[design].itertuples(index=False, name=None), condition_of_run, strict=True)
    )
    epochs = pool.acts.recording.epochs.tolist()
    lines = []
    for names, group in table.groupby(keys, sort=False, dropna=False):
        line: dict[str, Any] = dict(zip(keys, names, strict=True)) | {"runs": len(group)}
        times = resampled(len(group), setting.resamples, setting.seed)
        results = mean_intervals(group[measures].to_numpy(float), times, setting.confidence)
        line |= _flat(measures, results)
        runs = condition_of_run == condition[tuple(line[name] for name in design)]
        lines.append(line | pool.pooled(runs, epochs.index(line["epoch"])))
    return pd.DataFrame(lines)


def _flat(measures: list[str], results: np.ndarray) -> Mapping[str, float]:
    suffixes = ("", "_low", "_high")
    return {
        f"{name}{suffix}": float(results[row, m])
        for m, name in enumerate(measures)
        for row, suffix in enumerate(suffixes)
    }


def _is_norm_column(name: str) -> bool:
    return name.startswith("numerical_") and name != "numerical_top" and not name.endswith(("_low", "_high", "_top"))


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"


def _ignore(_: str) -> None:
    """Report no progress."""
