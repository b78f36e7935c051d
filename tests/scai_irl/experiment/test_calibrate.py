"""The command that calibrates a method starts in any process."""

from __future__ import annotations

import jax

from scai_irl.experiment.calibrate import use_cores


def test_cores_stay_as_they_are_once_jax_has_computed() -> None:
    devices = jax.devices()
    use_cores(len(devices) + 1)
    assert jax.devices() == devices
