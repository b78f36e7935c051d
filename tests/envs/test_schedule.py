import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.schedule import GROUPS, PAIRINGS, Schedule

counts = st.tuples(*[st.integers(0, 6)] * 4).filter(any)


@pytest.mark.parametrize(
    ("name", "uu", "au", "ua", "aa"), [("1v9", 8, 1, 1, 0), ("5v5", 3, 2, 2, 3), ("9v1", 0, 1, 1, 8)]
)
def test_the_groups_of_scai_have_its_counts(name: str, uu: int, au: int, ua: int, aa: int) -> None:
    schedule = Schedule.named(name)
    assert (schedule.uu, schedule.au, schedule.ua, schedule.aa) == (uu, au, ua, aa)
    assert schedule.plays == 10
    assert GROUPS[name] is schedule


@given(counts)
def test_names_of_counts_are_read_back(numbers: tuple[int, int, int, int]) -> None:
    name = "-".join(f"{number}{pair}" for number, pair in zip(numbers, PAIRINGS, strict=True))
    schedule = Schedule.named(name)
    assert schedule.name == name
    assert tuple(schedule.pairing.count(pair) for pair in PAIRINGS) == numbers
    assert schedule.plays == len(schedule.pairing) == sum(numbers)


@given(counts)
def test_every_assistant_slot_has_an_assistant_of_its_own_in_order_of_play(numbers: tuple[int, int, int, int]) -> None:
    schedule = Schedule("any", *numbers)
    slots = np.stack([schedule.proposing_assistant, schedule.responding_assistant], axis=1).ravel()
    assert slots[slots >= 0].tolist() == list(range(schedule.assistants))
    assert ((slots < 0) == [role == "u" for pair in schedule.pairing for role in pair]).all()


@given(counts)
def test_a_role_is_a_users_exactly_where_no_assistant_fills_it(numbers: tuple[int, int, int, int]) -> None:
    schedule = Schedule("any", *numbers)
    np.testing.assert_array_equal(schedule.user_proposes, schedule.proposing_assistant < 0)
    np.testing.assert_array_equal(schedule.user_responds, schedule.responding_assistant < 0)


@pytest.mark.parametrize("name", ["2v8", "3uu", "3uu-2au-2ua", "-1uu-2au-2ua-3aa", "3uu-2au-2ua-3aa "])
def test_an_unknown_group_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"unknown group '{name}'.*1v9"):
        Schedule.named(name)


@pytest.mark.parametrize("numbers", [(0, 0, 0, 0), (5, -1, 0, 0)])
def test_an_epoch_without_interactions_is_refused(numbers: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="'empty' has no interactions"):
        Schedule("empty", *numbers)
