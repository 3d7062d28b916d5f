"""On which data, how far, and from which seed on studies are run."""

from __future__ import annotations

from dataclasses import dataclass

from mixkd.errors import MixkdError, nearest
from mixkd.specs.profiles import PROFILES, Profile

DEFAULT_ALPHA = 1.0


@dataclass(frozen=True)
class Scope:
    """The parameters that notebooks and commands share. Raises MixkdError for an unknown profile.

    seed: first seed of the runs; alpha: a of the Beta(a, a) distribution of mixup's coefficient
    """

    dataset: str = "watch"
    profile: str = "quick"
    seed: int = 0
    alpha: float = DEFAULT_ALPHA

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise MixkdError(f"profile: found {self.profile!r}, {nearest(self.profile, PROFILES)}")

    @property
    def extent(self) -> Profile:
        """Folds, seeds and sizes of its profile."""
        return PROFILES[self.profile]

    @property
    def full(self) -> bool:
        """Whether every run of a study belongs to it, the published ones included."""
        return self.extent.full
