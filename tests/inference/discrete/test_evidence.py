import numpy as np
import pytest

from inference import Evidence, evidence


def test_a_flat_list_is_one_run() -> None:
    seen = evidence([10, 20], [5, 4], [True, False])
    assert seen.runs == 1
    assert seen.stake.tolist() == [[10, 20]]
    assert seen.accepted.tolist() == [[True, False]]
    assert seen.offer_seen.all()
    assert seen.answer_seen.all()


def test_columns_are_broadcast() -> None:
    seen = evidence(stake=[[10], [20]], offer=[[1, 2, 3]], accepted=True, offer_seen=[True, True, False])
    assert all(column.shape == (2, 3) for column in seen)
    assert seen.offer_seen.tolist() == [[True, True, False]] * 2


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("stake", float("nan"), "nan, no whole number"),
        ("stake", float("inf"), "inf, no whole number"),
        ("stake", 10.5, "10.5, no whole number"),
        ("stake", 0, "0, outside 1"),
        ("stake", -4, "-4, outside 1"),
        ("stake", 3_000_000_000, "3e\\+09, outside 1..10000000"),
        ("offer", float("nan"), "nan, no whole number"),
        ("offer", 2.5, "2.5, no whole number"),
        ("offer", -1, "-1, outside 0..stake"),
        ("offer", 31, "31, outside 0..stake"),
        ("accepted", 2, "2, neither true nor false"),
        ("accepted", float("nan"), "nan, neither true nor false"),
        ("offer_seen", 7, "7, neither true nor false"),
        ("answer_seen", -1, "-1, neither true nor false"),
    ],
)
def test_a_bad_number_is_named_by_column_run_and_play(column: str, value: float, problem: str) -> None:
    columns = {
        "stake": np.full((3, 4), 30.0),
        "offer": np.full((3, 4), 3.0),
        "accepted": np.ones((3, 4)),
        "offer_seen": np.ones((3, 4)),
        "answer_seen": np.ones((3, 4)),
    }
    columns[column][1, 2] = value
    with pytest.raises(ValueError, match=f"^{column}: run 1, play 2 is {problem}"):
        evidence(**columns)


def test_offers_above_a_hundred_per_cent_are_refused() -> None:
    with pytest.raises(ValueError, match="offer: run 0, play 0 is 101, outside"):
        evidence([5000], [101], True)


@pytest.mark.parametrize("words", [["ten"], [None]])
def test_words_are_no_numbers(words: list[object]) -> None:
    with pytest.raises(ValueError, match="stake: numbers are needed"):
        evidence(words, [1], True)  # type: ignore[arg-type]


def test_unseen_plays_may_hold_anything() -> None:
    seen = evidence([10, np.nan], [5, -3.5], [1, np.nan], offer_seen=[1, 0], answer_seen=[1, 0])
    assert seen.offer_seen.tolist() == [[True, False]]
    assert (seen.stake >= 1).all()
    assert ((seen.offer >= 0) & (seen.offer <= seen.stake)).all()


def test_half_a_play_needs_its_stake_and_offer() -> None:
    with pytest.raises(ValueError, match="offer: run 0, play 0"):
        evidence([10], [11], [True], offer_seen=False)


def test_later_plays_are_put_behind() -> None:
    first, second = evidence([[10, 20]], [[1, 2]], True), evidence([[30]], [[3]], False)
    both = first.followed_by(second)
    assert isinstance(both, Evidence)
    assert both.stake.tolist() == [[10, 20, 30]]
    assert both.accepted.tolist() == [[True, True, False]]
