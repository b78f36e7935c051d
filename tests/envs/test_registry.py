import pytest

from envs.registry import make
from envs.utilities import get_utility


def test_an_unknown_environment_is_named_beside_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"'chess'.*ultimatum"):
        make("chess")


def test_an_unknown_utility_is_named_beside_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"'greedy'.*selfish.*ces"):
        get_utility("greedy")
