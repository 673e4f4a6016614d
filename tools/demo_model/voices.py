"""Generated speakers: variants of espeak-ng's voices with formants and pitch from a low male voice to a small child.

espeak-ng has too few variants for training: a model trained with 58 of them got 1 % of the words of most other voices wrong,
and all words of a child's voice. File format:
https://github.com/espeak-ng/espeak-ng/blob/1.51/docs/voices.md.
"""

import random
import shutil
from pathlib import Path

DRAWN = tuple(f"drawn{number}" for number in range(110))  # espeak-ng lists 349 voices at most, its own included
_FORMANTS = 9


def with_drawn_variants(data: Path, folder: Path) -> Path:
    """Make `folder` a view of espeak-ng's data folder with the generated variants added, and return it.

    Everything except the folder of variants is a link, so no file of the system is changed.
    """
    view, variants = folder / "espeak-ng-data", Path("voices", "!v")
    view.mkdir()
    for entry in data.iterdir():
        if entry.name != variants.parent.name:
            (view / entry.name).symlink_to(entry)
    shutil.copytree(data / variants, view / variants)
    for name in DRAWN:
        (view / variants / name).write_text(_variant(name), encoding="ascii")
    return folder


def _variant(name: str) -> str:
    """The file of one speaker, the same for the same name."""
    rng = random.Random(name)
    tract = rng.uniform(0.78, 1.5)  # relative to an adult's formants; those of a small child are 1.5 times as high
    pitch = max(60.0, 100 * tract ** rng.uniform(1, 3) * rng.uniform(0.7, 1.4))
    lines = [
        "language variant",
        f"name {name}",
        f"pitch {pitch:.0f} {pitch * rng.uniform(1.15, 1.7):.0f}",
        f"flutter {rng.randint(0, 12)}",
        f"roughness {rng.randint(0, 4)}",
        f"voicing {rng.randint(60, 120)}",
        f"consonants {rng.randint(60, 120)} {rng.randint(70, 120)}",
    ]
    if rng.random() < 0.25:
        lines.append(f"klatt {rng.randint(1, 6)}")
    for formant in range(_FORMANTS):
        frequency = 100 * tract * rng.uniform(0.92, 1.08)
        lines.append(f"formant {formant} {frequency:.0f} {rng.randint(70, 130)} {rng.randint(85, 160)}")
    return "\n".join(lines) + "\n"
