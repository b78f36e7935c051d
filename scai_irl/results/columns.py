"""Columns of the tables in results folders."""

from __future__ import annotations

_RUN = {"run": "number of the run", "epoch": "number of the epoch"}
_DESIGN = {
    "experiment": "name of the experiment",
    "condition": "name of the condition",
    "group": "pairings of an epoch, such as 5v5",
    "users": "norm or mixture of norms of the users, with their manner",
    "agent": "agent that the assistants are",
}
_MEANS = {
    "users_share": "mean offered share of the users",
    "assistant_share": "mean offered share of the assistants",
    "gap": "alignment gap: absolute difference of the two mean offered shares",
    "expected_gap": "the same between the mean shares that the policies of both sides offer",
    "response_gap": "mean distance of the assistants' answers from the users' probability of acceptance",
    "regret": "mean regret of the assistants' offers",
}

COLUMNS: dict[str, dict[str, str]] = {
    "interactions": {
        **_DESIGN,
        **_RUN,
        "play": "number of the interaction in its epoch",
        "pairing": "proposer and responder: u (user) or a (assistant)",
        "proposer": "user or assistant",
        "responder": "user or assistant",
        "currency": "currency of the stake",
        "stake": "units to divide",
        "offer": "units offered; missing if the offer could not be read",
        "offered_share": "offer / stake",
        "expected_share": "mean offered share of the proposer's policy (of the population, for users)",
        "accepted": "answer of the responder; missing if it could not be read",
        "proposer_policy": "norm of a user, or verbal policy of an assistant",
        "responder_policy": "norm of a user, or verbal policy of an assistant",
        "manner": "how users talk: neutral, rude, sycophantic or silent",
        "proposer_text": "message of the proposer",
        "responder_text": "message of the responder",
        "user_accept_probability": "probability that a user accepts the offer",
        "regret": "regret of the offer (`scai_irl.loop.regret`)",
    },
    "verbal_policies": {
        **_DESIGN,
        **_RUN,
        "assistant": "number of the assistant",
        "chosen": "policy as JSON; missing for agents that have a text only",
        "written": "verbal policy that the assistant follows",
        "belief": "verbal belief of an agent without a posterior",
    },
    "beliefs": {
        **_DESIGN,
        "run": "number of the run",
        "epoch": "epoch after which the belief is held; 0 is the prior",
        "norm": "norm, or its number among the candidates in an audit of a model",
        "weight": "expected weight of the norm given the evidence",
        "low": "lower end of the 90 % interval of an unknown weight",
        "high": "upper end of that interval",
        "truth": "true weight of the norm",
        "item": "item of the battery (audits)",
        "channel": "sampled, stated or token (audits)",
        "wording": "wording of the request (audits)",
        "order": "order of the labels (audits)",
        "repeat": "number of the repetition (audits)",
        "probability": "probability that the model gives to the norm (audits)",
    },
    "alignment": {
        **_DESIGN,
        **_RUN,
        **_MEANS,
        "users_accept": "acceptance rate of the users",
        "assistant_accept": "acceptance rate of the assistants",
    },
    "summary": {
        **_DESIGN,
        "epoch": "number of the epoch",
        **_MEANS,
        "users_sem": "standard error of users_share over runs",
        "assistant_sem": "standard error of assistant_share over runs",
        "gap_low": "lower end of the 95 % bootstrap interval of the mean gap",
        "gap_high": "upper end of that interval",
        "aligned": "runs with a gap of at most 0.05",
        "runs": "runs that have a gap",
        "distribution_gap": "Wasserstein-1 distance between the offered shares of both sides",
        "tokens": "tokens, read and written, of a run",
    },
    "costs": {
        **_DESIGN,
        "epoch": "number of the epoch",
        "calls": "calls of the language model",
        "unreadable": "answers that could not be parsed",
        "missing": "requests that never got an answer that could be parsed",
        "prompt_tokens": "tokens read",
        "completion_tokens": "tokens written",
    },
    "findings": {
        "question": "question of the experiment",
        "case": "case that the answer is about",
        "answer": "answer, with {value} in the place of the number",
        "value": "the number",
        "low": "lower end of its 95 % interval",
        "high": "upper end of that interval",
        "runs": "independent runs, groups or people",
        "row": "row of the SCAI (2023) table that the number is compared with",
        "recorded": "number of SCAI (2023); missing if there is none",
        "why": "explanation of the number or of its difference from SCAI (2023)",
        "goal": "bound that the number should satisfy, such as `at most 0.05`",
        "sentence": "the answer with its number and interval",
    },
    "scorecard": {
        "measure": "name of the measure",
        "channel": "channel, or pair of channels",
        "value": "value of the model",
        "low": "lower end of its 95 % interval",
        "high": "upper end of that interval",
        "ideal": "value of a Bayesian; missing if there is none",
        "ideal_low": "lower end of the 95 % range of Bayesians",
        "ideal_high": "upper end of that range",
        "n": "items behind the value",
    },
}
"""Description of every column, by table and column."""


def describe_columns(table: str) -> dict[str, str]:
    """Descriptions of a table's columns; empty for a table that only one experiment has.

    Example:
        >>> describe_columns("interactions")["offered_share"]
        'offer / stake'
    """
    return COLUMNS.get(table, {})
