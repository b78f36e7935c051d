"""Tests of the upper floor."""

import pytest

pytest.register_assert_rewrite("tests.scai_irl.program")
