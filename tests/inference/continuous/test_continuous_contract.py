"""Every continuous family of the registry obeys the contract."""

from __future__ import annotations

import pytest

from inference import CONTINUOUS_FAMILIES
from scai_irl.testing import ContinuousFamilyContract

USES_CHOICES = {"norm-groups", "norm-groups-dp", "response-types"}  # tested by enumeration instead


class Contract(ContinuousFamilyContract):
    """The contract, its slowest laws marked."""

    @pytest.mark.slow
    def test_every_part_says_whether_it_was_seen(self, family_name: str) -> None:
        super().test_every_part_says_whether_it_was_seen(family_name)

    @pytest.mark.slow
    def test_density_and_gradient_are_numbers_even_in_the_tails(self, family_name: str) -> None:
        super().test_density_and_gradient_are_numbers_even_in_the_tails(family_name)

    @pytest.mark.slow
    def test_the_gradient_is_that_of_the_density(self, family_name: str) -> None:
        super().test_the_gradient_is_that_of_the_density(family_name)


class TestEveryContinuousFamily(Contract):
    @pytest.fixture(params=[name for name in CONTINUOUS_FAMILIES if name not in USES_CHOICES])
    def family_name(self, request: pytest.FixtureRequest) -> str:
        name: str = request.param
        return name


class TestFamiliesWhoseExpectationUsesChoices(Contract):
    expectation_uses_choices = True

    @pytest.fixture(params=sorted(USES_CHOICES))
    def family_name(self, request: pytest.FixtureRequest) -> str:
        name: str = request.param
        return name
