"""The numerical posterior of recorded runs at the beginning of each epoch.

In epoch e the assistants acted on the users' behaviour in epochs 1..e−1 of their run; in epoch 1 they acted on the
prior. There are two memories. ``all`` is the Bayesian one: it uses all earlier epochs. ``last`` uses only the previous
epoch, because the MetaLM of SCAI (2023) saw only this epoch and its own last text. Messages are no evidence here; only
the users' offers and answers are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from envs.contexts import MAX_STAKE
from envs.ultimatum import offer_of_units
from inference import DiscretePosterior, Evidence, evidence, infer
from scai_irl.audit.recorded.recorded_hypotheses import UserHypotheses
from scai_irl.io.errors import InputError
from scai_irl.measure.alignment import design_columns

MEMORIES = ("all", "last")
"""Memory of an observer: all earlier epochs, or only the last one."""

_NEEDED = ("run", "epoch", "proposer", "responder", "stake", "offer", "offered_share", "accepted", "proposer_policy")


@dataclass(frozen=True)
class Recording:
    """Recorded interactions as arrays; runs are numbered 0, 1, … in order of appearance, and so are epochs.

    Attributes:
        runs: Design columns of each run, one row a run.
        epochs: Number of each epoch.
        run: Index of each play's run.
        epoch: Index of each play's epoch.
        stake: Units divided.
        offer: Offer (action; see `envs.ultimatum`); −1 where it could not be read.
        accepted: 1 or 0; NaN where it could not be read.
        user_proposes: Whether a user proposed.
        user_responds: Whether a user responded.
    """

    runs: pd.DataFrame
    epochs: Int[np.ndarray, "epoch"]
    run: Int[np.ndarray, "play"]
    epoch: Int[np.ndarray, "play"]
    stake: Int[np.ndarray, "play"]
    offer: Int[np.ndarray, "play"]
    accepted: Float[np.ndarray, "play"]
    user_proposes: Bool[np.ndarray, "play"]
    user_responds: Bool[np.ndarray, "play"]

    @property
    def answered(self) -> Bool[np.ndarray, "play"]:
        """Return whether both the answer and the offer that it answers are known."""
        return np.asarray((self.offer >= 0) & ~np.isnan(self.accepted))

    def seen(self) -> Evidence:
        """Return the users' behaviour as evidence, (run, epoch × slot), padded to the fullest epoch."""
        slot = pd.DataFrame({"run": self.run, "epoch": self.epoch}).groupby(["run", "epoch"]).cumcount().to_numpy()
        shape = (len(self.runs), len(self.epochs), int(slot.max()) + 1)

        def laid_out(values: np.ndarray, empty: int) -> np.ndarray:
            table = np.full(shape, empty)
            table[self.run, self.epoch, slot] = values
            return table.reshape(len(self.runs), -1)

        return evidence(
            laid_out(self.stake, 1),
            laid_out(np.maximum(self.offer, 0), 0),
            laid_out(self.accepted == 1, 0),
            laid_out(self.user_proposes & (self.offer >= 0), 0),
            laid_out(self.user_responds & self.answered, 0),
        )


def read_recording(interactions: pd.DataFrame) -> Recording:
    """Convert recorded interactions to arrays.

    Args:
        interactions: Table that `scai_irl.data.scai2023.recorded_runs.read_scai2023` returns.

    Raises:
        InputError: If a column is missing, there is no interaction, or a stake or an offer is impossible.
    """
    for column in _NEEDED:
        if column not in interactions:
            hint = "give the table `interactions` of an imported or played results folder"
            raise InputError("interactions", f"there is no column {column!r}", hint)
    if interactions.empty:
        raise InputError("interactions", "there are none", "import or play some runs first")
    design = interactions[[*design_columns(interactions), "run"]].copy()
    # Keys that are missing would be left out of groups, and with them their runs.
    design = design.fillna(dict.fromkeys(design_columns(interactions), "unknown"))
    run = design.groupby(list(design), sort=False).ngroup().to_numpy()
    epochs, epoch = np.unique(interactions["epoch"].to_numpy(int), return_inverse=True)
    stake = interactions["stake"].to_numpy(int)
    units = interactions["offer"].astype("Float64").to_numpy(float, na_value=-1)
    for field, wrong in (
        ("stake", (stake < 1) | (stake > MAX_STAKE)),
        ("offer", ((units < 0) & (units != -1)) | (units > stake)),
    ):
        if wrong.any():
            row = int(np.argmax(wrong))
            value = interactions[field].iloc[row]
            raise InputError(field, f"{value} in row {row} is impossible", "correct the recording and import it again")
    action = np.asarray(offer_of_units(jnp.asarray(np.maximum(units, 0), jnp.int32), jnp.asarray(stake, jnp.int32)))
    return Recording(
        runs=design.drop_duplicates().reset_index(drop=True),
        epochs=epochs,
        run=run,
        epoch=epoch,
        stake=stake,
        offer=np.where(units < 0, -1, action),
        accepted=interactions["accepted"].astype("Float64").to_numpy(float, na_value=np.nan),
        user_proposes=(interactions["proposer"] == "user").to_numpy(bool),
        user_responds=(interactions["responder"] == "user").to_numpy(bool),
    )


class Beliefs(NamedTuple):
    """Summaries of the posterior p(w, s | D) for every run, at the beginning of every epoch.

    Attributes:
        points: p(w | D), marginal over the nuisance.
        weights: E[w | D]: the posterior distribution over norms for a user of the group.
        one_norm: p(all share the norm | D) for each norm; 1 minus their sum is the probability of a mixed group.
        which_norm: p(the norm | D, all share one): the posterior over single norms, as in `inference.named_norms`.
        nuisance: Posterior mean of each parameter in `UserHypotheses.nuisance_names`; the geometric mean for λ.
        offer_parts: Weight of each of `UserHypotheses.parts` in the predictive of offers.
        answer_parts: The same for answers.
        log_evidence: log p(D).
    """

    points: Float[np.ndarray, "run epoch point"]
    weights: Float[np.ndarray, "run epoch norm"]
    one_norm: Float[np.ndarray, "run epoch norm"]
    which_norm: Float[np.ndarray, "run epoch norm"]
    nuisance: Float[np.ndarray, "run epoch number"]
    offer_parts: Float[np.ndarray, "run epoch offer_part"]
    answer_parts: Float[np.ndarray, "run epoch answer_part"]
    log_evidence: Float[np.ndarray, "run epoch"]


def beliefs_by_memory(
    recording: Recording, hypotheses: UserHypotheses, advance: Callable[[str], None]
) -> Mapping[str, Beliefs]:
    """Compute the numerical posteriors of all runs, for each of `MEMORIES`; a sequential update per epoch.

    Args:
        recording: The runs.
        hypotheses: Hypotheses about the users' norms and noise.
        advance: Called after each epoch.
    """
    seen = recording.seen()
    slots = seen.stake.shape[1] // len(recording.epochs)
    start = hypotheses.start(len(recording.runs))
    summarise = _Summary(hypotheses)
    before = summarise(start)
    by_memory: dict[str, list[Beliefs]] = {memory: [before] for memory in MEMORIES}
    latest = start
    advance(f"epoch {recording.epochs[0]}")
    for index, epoch in enumerate(recording.epochs[1:]):
        plays = slice(index * slots, (index + 1) * slots)
        new = Evidence(*(column[:, plays] for column in seen))
        latest = infer(hypotheses.mixtures, new, latest)
        by_memory["all"].append(summarise(latest))
        # After one epoch the two memories are equal.
        by_memory["last"].append(
            by_memory["all"][-1] if index == 0 else summarise(infer(hypotheses.mixtures, new, start))
        )
        advance(f"epoch {epoch}")
    return {
        memory: Beliefs(*(np.stack(leaves, axis=1) for leaves in zip(*beliefs, strict=True)))
        for memory, beliefs in by_memory.items()
    }


class _Summary:
    """Reduction of posteriors over all hypotheses to `Beliefs` without the epoch axis."""

    def __init__(self, hypotheses: UserHypotheses) -> None:
        self.points = hypotheses.points.astype(float)
        self.poles = hypotheses.poles
        names = hypotheses.nuisance_names
        self.is_rationality = np.array([name.startswith("rationality") for name in names])
        tiny = np.finfo(np.float32).tiny
        nuisance = hypotheses.nuisance.astype(float)
        self.nuisance = np.where(self.is_rationality, np.log(np.maximum(nuisance, tiny)), nuisance)
        self.of_part = [
            np.eye(len(part.norm))[part.part] for part in (hypotheses.parts("offer"), hypotheses.parts("answer"))
        ]

    def __call__(self, posterior: DiscretePosterior) -> Beliefs:
        settings, points = len(self.nuisance), len(self.points)
        log_prob = np.asarray(posterior.log_prob).reshape(posterior.runs, settings, points)
        table = np.exp(log_prob)
        table /= table.sum(axis=(1, 2), keepdims=True)
        of_point, of_setting = table.sum(axis=1).astype(float), table.sum(axis=2).astype(float)
        norm_in_setting = table @ self.points.astype(np.float32)
        at_poles = log_prob[:, :, self.poles].astype(float)
        relative = np.exp(at_poles - at_poles.max(axis=(1, 2), keepdims=True)).sum(axis=1)
        numbers = of_setting @ self.nuisance
        parts = [np.einsum("rsn,snp->rp", norm_in_setting, part) for part in self.of_part]
        return Beliefs(
            points=of_point,
            weights=of_point @ self.points,
            one_norm=of_point[:, self.poles],
            which_norm=relative / relative.sum(axis=1, keepdims=True),
            nuisance=np.where(self.is_rationality, np.exp(numbers), numbers),
            offer_parts=parts[0],
            answer_parts=parts[1],
            log_evidence=np.asarray(posterior.log_evidence, float),
        )
