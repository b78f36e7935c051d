"""Choose the policy that each assistant follows in an epoch; all conditions share the same rounds of requests."""

from __future__ import annotations

import jax.numpy as jnp

from inference import DiscretePosterior
from scai_irl.agents.agent import Situation
from scai_irl.agents.registry import get_agent
from scai_irl.agents.verbal_policies import VerbalPolicies
from scai_irl.lm.ask import Ask
from scai_irl.lm.rounds import in_rounds
from scai_irl.loop.epoch import Epoch
from scai_irl.loop.history import History


def choose_policies(epoch: Epoch, beliefs: DiscretePosterior, history: History, ask: Ask) -> list[VerbalPolicies]:
    """Choose the policies of every condition by its agent.

    Args:
        epoch: The epoch.
        beliefs: Posterior of each row before the epoch.
        history: Earlier epochs.
        ask: Function that answers questions to the language model.

    Returns:
        Policies of each condition.
    """
    conditions = enumerate(epoch.setting.conditions)
    plans = [get_agent(c.agent).plan(_situation(epoch, index, beliefs, history)) for index, c in conditions]
    return in_rounds(plans, ask)


def _situation(epoch: Epoch, index: int, beliefs: DiscretePosterior, history: History) -> Situation:
    """Collect the state of a condition's runs at the start of the epoch."""
    setting, condition = epoch.setting, epoch.setting.conditions[index]
    runs = len(setting.runs)
    first = index * runs
    rows = slice(first, first + runs)

    def seed(run: int, *path: str | int) -> int:
        return epoch.seed(first + run, *path)

    return Situation(
        epoch=epoch.number,
        assistants=epoch.schedule.assistants,
        run_numbers=jnp.asarray(setting.runs),
        posterior=DiscretePosterior(beliefs.hypotheses, beliefs.log_prob[rows], beliefs.log_evidence[rows]),
        users_policies=(setting.users_policy(condition, epoch.number),) * runs,
        transcripts=history.transcripts(range(first, first + runs)),
        key=epoch.choice_key(condition),
        seed=seed,
        style=setting.style,
        account=condition,
    )
