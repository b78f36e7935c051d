import pytest

from envs.registry import make
from envs.utilities import get_utility


def test_an_unknown_environment_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'chess'.*ultimatum"):
        make("chess")


def test_an_unknown_utility_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'greedy'.*selfish.*ces"):
        get_utility("greedy")
