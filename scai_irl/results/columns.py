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

_ITEM = {
    "item": "item of the battery",
    "channel": "sampled, stated or token",
    "wording": "wording of the request",
    "order": "order of the labels",
    "repeat": "number of the repetition",
    "norm": "number of the norm among the candidates",
}
_RECORDED = {
    **_DESIGN,
    **_RUN,
    "memory": "evidence that counts: of the last epoch, or of all",
    "kind": "one norm, manners (users differ in manner) or mixed (users differ in norm)",
    "manner": "how users talk: neutral, rude, sycophantic or silent",
}
_RECORDED_MEASURES = {
    "seen_offers": "offers of users that count as evidence",
    "seen_answers": "answers of users that count as evidence",
    "assistant_offers": "offers of assistants",
    "assistant_answers": "answers of assistants",
    "unread_offers": "offers that could not be read",
    "unread_answers": "answers that could not be read",
    "tv": "total variation distance between the verbal and the numerical posterior",
    "w1": "Wasserstein-1 distance between an assistant's offer and the numerical predictive, in shares",
    "verbal_top": "largest weight of the verbal posterior; 1 means a single norm",
    "numerical_top": "largest weight of the numerical posterior",
    "predicted_share": "mean offered share of the numerical predictive",
    "switch": "probability that norms sampled from the verbal posteriors of this epoch and the one before differ",
    "weight_error": "largest error of the posterior mean weights",
    "within": "whether that error is at most 0.15",
    "one_norm": "posterior probability that all users share a norm",
    **{name: _MEANS[name] for name in ("users_share", "assistant_share", "gap")},
    "gap_numerical": "alignment gap of an assistant that offers the mean of the numerical predictive",
    "accept": "acceptance rate of the assistants",
    "accept_predicted": "its prediction by the numerical posterior",
    "answer": "comparison of the assistants' answers with the numerical predictive",
    "answer_distance": "mean distance between the assistants' answers and the predicted probability of acceptance",
    "users_accept": "acceptance rate of the users",
    "users_accept_predicted": "its prediction by the numerical posterior",
    "tv_pooled": "total variation distance between the verbal and the numerical posterior, each averaged over runs",
    "w1_pooled": "Wasserstein-1 distance between offers and numerical predictives, each pooled over runs",
    **{
        f"{posterior}_{norm}": f"weight of the {norm} norm, {meaning}"
        for norm in ("selfish", "fair", "altruistic")
        for posterior, meaning in {
            "numerical": "numerical posterior mean",
            "verbal": "verbal posterior",
            "truth": "share of the users",
        }.items()
    },
    **{f"rationality_{norm}": f"posterior mean of λ of the {norm} norm" for norm in ("selfish", "fair", "altruistic")},
    "lapse_offer": "posterior mean of ε of offers",
    "lapse_answer": "posterior mean of ε of answers",
}
_SUFFIXES = {
    "_low": "lower end of the 95 % interval of {}",
    "_high": "upper end of the 95 % interval of {}",
    "_reference": "what posterior sampling would give for {}",
    "_floor": "what a perfect translator would give for {}, with as many acts",
    "_excess": "{}, less its reference or floor",
    "_p": "Monte Carlo p-value of {}",
}
"""Descriptions of columns that go with another column, by the end of their name."""

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
    "judged": {
        **_ITEM,
        "believed": "belief of the model, averaged over wordings, orders and repetitions",
        "part": "part of the battery",
        "pair": "items that differ in one respect only have the same pair",
        "role": "role of the item in its pair",
        "truth": "1 if this norm generated the interactions, else 0; missing if no single norm did",
        "log_prior": "log prior of the norm",
        "log_behaviour": "log-likelihood of the interactions",
        "log_language": "log-likelihood of the users' messages",
        "exact": "exact posterior of the norm",
    },
    "texts": {
        **_ITEM,
        "text": "sampled verbal policy; missing if there is none",
        "best": "norm that explains the acts of the text best",
    },
    "translation": {
        **_ITEM,
        "family": "family of the translated policies",
        "policy": "number of the policy in its family",
        "text": "translated policy; missing if there is none",
        "tv": "total variation distance between the offers of the policy and of the model that follows the text",
        "w1": "Wasserstein-1 distance between the same offers",
        "answer": "mean distance between the two probabilities of acceptance",
    },
    "steered": {
        **_ITEM,
        "text": "message that tries to steer the assistant; empty for none",
        "accepted": "answer of the assistant; missing if it could not be read",
    },
    "audit_beliefs": {
        **_RECORDED,
        "norm": "name of the norm",
        "weight": "E[w | D], the posterior mean weight of the norm",
        "low": "lower end of its posterior interval",
        "high": "upper end of that interval",
        "one_norm": "probability of the norm, given that all users share one",
        "verbal": "verbal posterior of the assistants' offers",
        "truth": "share of the users who hold the norm",
    },
    "audit_by_run": _RECORDED | _RECORDED_MEASURES,
    "audit": _RECORDED | _RECORDED_MEASURES | {"runs": "runs of the condition"},
    "calibration": {
        "number": "parameter whose ranks are tested",
        "ratio": "largest deviation of the ranks from a uniform distribution, divided by what the envelope allows",
        "inside": "whether the ranks stay inside the envelope",
        "correlation": "correlation of posterior means with true values",
        "coverage": "share of 90 % intervals that hold the true value",
    },
    "choices": {
        "study": "study, or file, that the choice is from",
        "subject": "person",
        "trial": "number of the choice of this person",
        "role": "proposer or responder",
        "stake": "units to divide",
        "offer": "units offered",
        "offered_share": "offer / stake",
        "accepted": "answer of a responder; missing for proposers",
        "minimum": "smallest offer that a responder accepts, where it was asked for",
    },
    "unread": {
        "file": "file of the recorded data",
        "where": "position in the file",
        "reason": "reason why it could not be read",
    },
    "warnings": {"file": "file", "warning": "what is unusual in it", "count": "rows that it is true of"},
    "cells": {
        "name": "name of the cell: one combination of settings",
        "seed": "seed of the cell",
        "status": "finished, failed or missing",
        "seconds": "running time",
        "error": "message of a failed cell",
        "worker": "process that ran the cell",
    },
}
"""Description of every column, by table and column."""


def describe_column(table: str, column: str) -> str:
    """Description of a column; empty if there is none.

    Columns such as ``tv_low`` and ``tv_excess`` are described by the column that they belong to.

    Example:
        >>> describe_column("summary", "gap_low")
        'lower end of the 95 % bootstrap interval of the mean gap'
        >>> describe_column("audit", "tv_excess")
        'tv, less its reference or floor'
    """
    known = COLUMNS.get(table, {})
    if column in known:
        return known[column]
    for suffix, sentence in _SUFFIXES.items():
        base = column.removesuffix(suffix)
        if base != column and describe_column(table, base):
            return sentence.format(base)
    return ""
