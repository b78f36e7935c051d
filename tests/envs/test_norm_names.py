"""Names of norms are read with their parameters. A message about a mistake says what to write."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from envs import UTILITIES, Policy, one_group
from envs.norm_names import norm_name, read_norm


@pytest.mark.parametrize(
    ("text", "name", "utility", "theta"),
    [
        ("fair", "fair", "fair", ()),
        ("offer=.3", "offer=0.3", "ces", (0.7, 0.0)),
        ("fehr_schmidt:alpha=.7,beta=.1", "fehr_schmidt:alpha=0.7,beta=0.1", "fehr_schmidt", (0.7, 0.1)),
        (" fehr_schmidt:beta=1e-1, alpha=0.70", "fehr_schmidt:alpha=0.7,beta=0.1", "fehr_schmidt", (0.7, 0.1)),
    ],
)
def test_a_norm_is_read_and_has_one_name(text: str, name: str, utility: str, theta: tuple[float, ...]) -> None:
    assert norm_name(text) == norm_name(name) == name
    norm = read_norm(text, 30.0, 0.1)
    assert (norm.utility, norm.rationality, norm.lapse) == (utility, 30.0, 0.1)
    assert norm.theta == pytest.approx(theta)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spite", "unknown norm 'spite'; there are selfish, fair, altruistic, offer=0.3, fehr_schmidt"),
        ("spite:alpha=1", "unknown norm 'spite:alpha=1'"),
        ("fehr-schmidt:alpha=1,beta=0", "perhaps you meant fehr_schmidt:alpha=2,beta=0.5"),
        ("Fair", "unknown norm 'Fair'; perhaps you meant fair"),
        ("fair:x=1", "norm fair has no parameter 'x'; write fair alone"),
        ("fehr_schmidt", "lacks alpha, beta; write fehr_schmidt:alpha=2,beta=0.5"),
        ("fehr_schmidt:alpha=1,alpha=1,beta=0", "names alpha twice; give each parameter once"),
        ("fehr_schmidt:alpha=inf,beta=0", "is no number; write it as in alpha=0.3"),
        ("offer=half", "is no number; write it as in offer=0.3"),
        ("offer=-0.1", "is no share of the stake; give a number from 0 to 1"),
    ],
)
def test_mistakes_say_what_to_write(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="; ") as caught:
        norm_name(text)
    assert message in str(caught.value)


def test_every_example_of_a_message_can_be_read() -> None:
    for name, utility in UTILITIES.items():
        if utility.parameters:
            with pytest.raises(ValueError, match="lacks") as caught:
                read_norm(name)
            assert read_norm(str(caught.value).rpartition("write ")[2]).utility == name


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_an_offer_is_the_best_one_and_offers_are_accepted(share: float) -> None:
    table = one_group(f"offer={share}").policy(2000.0).table(jnp.asarray([100]))
    offers = np.exp(np.asarray(table.offer[0], float))
    assert offers.argmax() == round(100 * share)
    assert offers @ np.arange(101) / 100 == pytest.approx(share, abs=0.01)
    assert np.exp(np.asarray(table.accept[0, 10:90], float)).min() > 0.99
    assert isinstance(one_group("offer=0.3").policy(), Policy)
