"""Settings of an audit of recorded runs."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class AuditSetting(BaseModel):
    """Settings of an audit; `scai_irl.audit.recorded.recorded_hypotheses` gives reasons for the defaults.

    Example:
        >>> AuditSetting().norms
        ('selfish', 'fair', 'altruistic')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rationality: dict[str, tuple[float, ...]] = Field(
        {"selfish": (200.0, 800.0), "fair": (25.0, 100.0), "altruistic": (50.0, 200.0, 800.0)},
        min_length=2,
        description="Norms that users may hold, each with its grid of λ.",
    )
    lapse_offer: tuple[float, ...] = Field((0.01, 0.1), min_length=1, description="Values of ε for offers.")
    lapse_answer: tuple[float, ...] = Field((0.01, 0.1, 0.3, 1.0), min_length=1, description="Values of ε for answers.")
    altruists_own_weight: float = Field(
        0.02, ge=0, lt=0.5, description="Weight of the altruist's own share; 0 is the plain altruist."
    )
    one_norm: float = Field(0.5, ge=0, le=1, description="Prior probability that all users share one norm.")
    steps: int = Field(20, ge=2, description="Weights of norms are multiples of 1/steps.")
    interval: float = Field(0.9, gt=0, lt=1, description="Mass of the posterior intervals of the weights.")
    confidence: float = Field(0.95, gt=0, lt=1, description="Mass of the bootstrap intervals over runs.")
    resamples: int = Field(1000, ge=1, description="Bootstrap resamples of the runs.")
    replicas: int = Field(1000, ge=1, description="Simulated posterior-sampling assistants for comparison.")
    seed: int = Field(0, ge=0, description="Root seed of resamples, replicas and posterior draws.")

    @model_validator(mode="after")
    def _sensible(self) -> AuditSetting:
        for name, values in self.rationality.items():
            if not values or min(values) < 0:
                raise ValueError(f"λ of {name} must be numbers of 0 or more, got {values}; correct it")
        for lapse in (*self.lapse_offer, *self.lapse_answer):
            if not 0 < lapse <= 1:
                raise ValueError(f"a lapse of {lapse:g} lets single actions refute all norms; give 0 < lapse <= 1")
        return self

    @property
    def norms(self) -> tuple[str, ...]:
        """Names of the norms."""
        return tuple(self.rationality)
