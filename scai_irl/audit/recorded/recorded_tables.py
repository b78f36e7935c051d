"""Tables of an audit: the composition of the recorded users, beliefs about them, and every measure by run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from scai_irl.audit.recorded.numerical import Beliefs, Recording
from scai_irl.audit.recorded.pooled import Pool
from scai_irl.audit.recorded.recorded_hypotheses import UserHypotheses
from scai_irl.audit.recorded.verbal_behaviour import RecordedActs, answer_measures, offer_measures, verbal_posterior
from scai_irl.measure.alignment import alignment_by_run, design_columns

WITHIN = 0.15
"""Error of the expected weights up to which a run's belief counts as right."""

KINDS = ("one norm", "manners", "mixed")


class RecordedUsers(NamedTuple):
    """Composition of the recorded users, read from the policies in their prompts.

    Attributes:
        truth: Share of each norm among the users' proposals of a run.
        labels: ``kind`` (of `KINDS`), ``users`` and ``manner`` of each run's condition.
    """

    truth: Float[np.ndarray, "run norm"]
    labels: pd.DataFrame


def users_of(interactions: pd.DataFrame, recording: Recording, norms: tuple[str, ...]) -> RecordedUsers:
    """Read the composition of every run's users from the policies in their prompts.

    A condition is mixed if one of its runs has users with several norms. Otherwise it is of the kind "manners" if the
    prompts ask users for a manner that is not neutral. A user proposes once an epoch, so shares of proposals are shares
    of users.
    """
    proposes = recording.user_proposes
    policy = interactions["proposer_policy"].to_numpy(object)[proposes]
    count = np.zeros((len(recording.runs), len(norms)))
    for n, norm in enumerate(norms):
        np.add.at(count[:, n], recording.run[proposes], policy == norm)
    total = np.bincount(recording.run[proposes], minlength=len(recording.runs))[:, None].astype(float)
    truth = count / np.where(total > 0, total, np.nan)
    labels = recording.runs[design_columns(recording.runs)].copy()
    conditions = labels.groupby(list(labels), sort=False).ngroup().to_numpy()
    manner = np.full(len(labels), "neutral", object)
    if "manner" in interactions:
        manner[recording.run] = interactions["manner"].fillna("unknown").to_numpy(object)
    described = []
    for condition in np.unique(conditions):
        mine = conditions == condition
        mixed = bool((np.count_nonzero(count[mine], axis=1) > 1).any())
        kind = KINDS[2] if mixed else KINDS[manner[mine][0] != "neutral"]
        shares = count[mine].sum(axis=0) / max(count[mine].sum(), 1)
        norms_of_run = {norm: share for norm, share in zip(norms, shares, strict=True) if share > 0}
        users = " + ".join(f"{share:.0%} {norm}" if mixed else norm for norm, share in norms_of_run.items())
        described.append({"kind": kind, "users": users or "unknown", "manner": manner[mine][0]})
    return RecordedUsers(truth, pd.DataFrame([described[condition] for condition in conditions]))


def beliefs_table(
    acts: RecordedActs,
    beliefs: Beliefs,
    truth: Float[np.ndarray, "run norm"],
    memory: str,
    here: Bool[np.ndarray, "run epoch"],
) -> pd.DataFrame:
    """Compute numerical and verbal beliefs, one row for each run, epoch and norm.

    Returns:
        ``weight``, E[w | D], with its posterior interval ``low``–``high``; ``one_norm``, the probability of the norm
        given that all users share one; ``verbal``, the verbal posterior of the assistants' offers; ``truth``, the
        users' composition.
    """
    hypotheses, norms = acts.hypotheses, acts.hypotheses.setting.norms
    interval = [
        _interval(hypotheses, beliefs.points[:, epoch], hypotheses.setting.interval) for epoch in range(acts.shape[1])
    ]
    ends = np.stack(interval, axis=1)
    columns = {
        "weight": beliefs.weights,
        "low": ends[..., 0],
        "high": ends[..., 1],
        "one_norm": beliefs.which_norm,
        "verbal": verbal_posterior(acts),
        "truth": np.broadcast_to(truth[:, None], beliefs.weights.shape),
    }
    table = _keys(acts.recording, memory, here)
    long = table.loc[table.index.repeat(len(norms))].reset_index(drop=True)
    long["norm"] = np.tile(np.array(norms, object), len(table))
    return long.assign(**{name: values[here].reshape(-1) for name, values in columns.items()})


def by_run_table(
    interactions: pd.DataFrame,
    acts: RecordedActs,
    beliefs: Beliefs,
    pool: Pool,
    users: RecordedUsers,
    memory: str,
    here: Bool[np.ndarray, "run epoch"],
) -> pd.DataFrame:
    """Compute counts and the measures of `offer_measures` and `answer_measures`, one row for each run and epoch.

    Further columns are ``weight_error``, the largest abs(E[w] − truth); ``within``, whether it is at most `WITHIN`;
    ``one_norm``, the probability that all users share a norm; and the posterior means of the nuisance parameters.
    ``gap`` is the assistants' alignment gap, ``gap_numerical`` that of an assistant that offers the predictive mean,
    and ``gap_reference`` that of one that samples offers from the predictive. ``users_share`` and ``users_accept`` are
    observed; ``predicted_share`` and ``users_accept_predicted`` are their predictions.
    """
    recording = acts.recording
    aligned = _alignment(interactions, recording)
    offers, answers = offer_measures(acts, beliefs), answer_measures(acts, beliefs)
    error = np.abs(beliefs.weights - users.truth[:, None]).max(axis=2)
    within = np.where(np.isnan(error), np.nan, error <= WITHIN)
    columns = _counts(recording, memory) | offers | {"weight_error": error, "within": within}
    columns |= {"one_norm": beliefs.one_norm.sum(axis=2)}
    columns |= {name: aligned[name] for name in ("users_share", "assistant_share", "gap")}
    columns |= {
        "gap_numerical": np.abs(offers["predicted_share"] - aligned["users_share"]),
        "gap_reference": pool.gap_reference(aligned["users_share"]),
    }
    columns |= answers | {"users_accept": aligned["users_accept"]}
    columns |= {name: beliefs.nuisance[..., n] for n, name in enumerate(acts.hypotheses.nuisance_names)}
    table = _keys(recording, memory, here)
    run = np.nonzero(here)[0]
    new = [str(name) for name in users.labels if name not in table]
    labelled = table.assign(**{name: users.labels[name].to_numpy(object)[run] for name in new})
    return pd.concat([labelled, pd.DataFrame({name: values[here] for name, values in columns.items()})], axis=1)


def _keys(recording: Recording, memory: str, here: Bool[np.ndarray, "run epoch"]) -> pd.DataFrame:
    run, epoch = np.nonzero(here)
    table = recording.runs.iloc[run].reset_index(drop=True)
    return table.assign(epoch=recording.epochs[epoch], memory=memory)


def _counts(recording: Recording, memory: str) -> dict[str, Int[np.ndarray, "run epoch"]]:
    """Count the assistants' acts in each epoch, those that could not be read, and the evidence behind each belief."""
    shape = (len(recording.runs), len(recording.epochs))

    def count(chosen: Bool[np.ndarray, "play"]) -> Int[np.ndarray, "run epoch"]:
        table = np.zeros(shape, np.int64)
        np.add.at(table, (recording.run, recording.epoch), chosen)
        return table

    def before(table: Int[np.ndarray, "run epoch"]) -> Int[np.ndarray, "run epoch"]:
        within_memory = np.cumsum(table, axis=1) if memory == "all" else table
        return np.concatenate([np.zeros_like(within_memory[:, :1]), within_memory[:, :-1]], axis=1)

    readable = recording.offer >= 0
    return {
        "seen_offers": before(count(recording.user_proposes & readable)),
        "seen_answers": before(count(recording.user_responds & recording.answered)),
        "assistant_offers": count(~recording.user_proposes & readable),
        "assistant_answers": count(~recording.user_responds & recording.answered),
        "unread_offers": count(~readable),
        "unread_answers": count(np.isnan(recording.accepted)),
    }


def _alignment(interactions: pd.DataFrame, recording: Recording) -> Mapping[str, Float[np.ndarray, "run epoch"]]:
    columns = ["proposer", "responder", "offered_share", "accepted"]
    table = interactions[columns].assign(run=recording.run, epoch=recording.epoch)
    by_run = alignment_by_run(table)
    measures = {}
    for name in ("users_share", "assistant_share", "gap", "users_accept"):
        measures[name] = np.full((len(recording.runs), len(recording.epochs)), np.nan)
        measures[name][by_run["run"], by_run["epoch"]] = by_run[name]
    return measures


def _interval(
    hypotheses: UserHypotheses, points: Float[np.ndarray, "run point"], mass: float
) -> Float[np.ndarray, "run norm 2"]:
    posterior = hypotheses.marginal_posterior(points)
    ends = [posterior.interval(f"weight_{norm}", mass) for norm in hypotheses.setting.norms]
    return np.stack(ends, axis=1)
