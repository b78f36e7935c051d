"""Policies that hypothesis draws: every utility, any finite numbers, one norm or several."""

from __future__ import annotations

from hypothesis import strategies as st

from envs import UTILITIES, Norm, Policy

Part = tuple[float, str, tuple[float, ...], float, float]
"""Weight, utility, θ, rationality and lapse; plain values, since building a checked dataclass uses random numbers of
its own, which hypothesis forbids while it draws."""

PARAMETERS = {name: utility.parameters for name, utility in UTILITIES.items()}
"""Parameters of every utility, looked up before hypothesis draws, for the same reason."""

numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, 1e22, 1e23, 1 / 3, 0.1 + 0.2]),
)


def parts_of(utility: str, weight: st.SearchStrategy[float] = numbers) -> st.SearchStrategy[Part]:
    """Parts with one utility."""
    theta = st.tuples(*(numbers for _ in PARAMETERS[utility]))
    return st.tuples(weight, st.just(utility), theta, numbers, numbers)


def _parts(weight: st.SearchStrategy[float]) -> st.SearchStrategy[Part]:
    return st.sampled_from(sorted(PARAMETERS)).flatmap(lambda utility: parts_of(utility, weight))


policies = st.one_of(
    st.lists(_parts(st.just(1.0)), min_size=1, max_size=1),
    st.lists(_parts(numbers), min_size=1, max_size=4),
)


def policy_of(parts: list[Part]) -> Policy:
    """Make the policy that was drawn."""
    return Policy(tuple((part[0], Norm(*part[1:])) for part in parts))
