"""Where a case is measured: with a model on a CPU or a GPU, or on a simulated accelerator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks import models
from benchmarks.machine import cores
from benchmarks.work import Work

# Seconds per call and per clip: a large model on a slow GPU, and on a fast one.
PROFILES = {"slow": (0.44, 0.15), "fast": (0.16, 0.04)}
COMPUTE_TYPES = {"cpu": "int8", "cuda": "float16"}
USUAL = ("slow", "fast", "demo", "tiny")


@dataclass(frozen=True)
class Place:
    """A model and a device, written `slow`, `fast`, `demo`, `tiny` or `turbo@cuda`."""

    name: str

    @classmethod
    def parsed(cls, name: str) -> Place:
        """The place with this name.

        Raises:
            ValueError: the name is unknown.
        """
        model, _, device = name.partition("@")
        if name not in PROFILES and (model not in models.NAMES or device not in ("", *COMPUTE_TYPES)):
            raise ValueError(
                f"unknown place {name!r}; choose from {', '.join(PROFILES)}, or one of {', '.join(models.NAMES)}, as in turbo@cuda"
            )
        return cls(name)

    @property
    def profile(self) -> tuple[float, float] | None:
        """Seconds per call and per clip of a simulated accelerator; None for a real device."""
        return PROFILES.get(self.name)

    @property
    def model(self) -> str:
        """The model's name."""
        return "demo" if self.profile else self.name.partition("@")[0]

    @property
    def title(self) -> str:
        """A description for tables."""
        if self.profile:
            return "simulated accelerator, {} s a call and {} s a clip".format(*self.profile)
        device = self.name.partition("@")[2] or "cpu"
        return f"{'demo model' if self.model == 'demo' else f'random {self.model}'}, {device}/{COMPUTE_TYPES[device]}"

    def work(self, files: list[Path], cache: Path, out: str = "") -> Work:
        """The work of transcribing these files in this place."""
        device = self.name.partition("@")[2] or "cpu"
        folder = str(models.folder(self.model, cache))
        random = self.model != "demo"
        return Work(
            files=tuple(map(str, files)),
            model=folder if random else "demo",
            folder=folder,
            device=device,
            compute_type=COMPUTE_TYPES[device],
            threads=cores(),
            out=out,
            random=random,
            profile=self.profile,
        )
