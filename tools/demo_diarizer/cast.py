"""The voices of the demo diarizer: for training, for development (choosing parameters), and held out for evaluation.

A speaker is a variant of espeak-ng at one pitch, speed and size. There are few named variants, so training also uses generated ones
(`voices.py` of the demo model). Evaluation uses the named variants that neither demo model was trained with.
"""

import random
from dataclasses import dataclass

from demo_model.corpus import sentence
from demo_model.speech import HELD_OUT_VARIANTS, TRAINING_VARIANTS, VOICES, Utterance, speak
from demo_model.voices import DRAWN

# For choosing the threshold of the clustering: a threshold chosen with training voices is too high for others.
_NAMED = "Annie Diogo Gene Hugo Mario Storm benjamin f3 grandma klatt3 m4 norbert"
DEVELOPMENT_VARIANTS = [*_NAMED.split(), *DRAWN[-12:]]
_LANGUAGES = ("pt", "pt", "pt", "en", "es")
# Each training variant becomes eight speakers, two of each size from small to large; formants and pitch vary separately.
_SIZES = ((0.86, 0.92), (0.95, 1.0), (1.03, 1.08), (1.11, 1.18))


@dataclass(frozen=True)
class Speaker:
    """One voice. `pitch` is 0 to 99, `speed` in words per minute; a `size` above 1 is a larger speaker with a lower voice."""

    variant: str
    accent: int
    pitch: int
    speed: int
    size: float = 1.0

    @property
    def name(self) -> str:
        """A unique name."""
        return f"{self.variant}-{self.pitch}-{self.size:.2f}"

    def say(self, text: str, language: str = "pt") -> Utterance:
        """Speak a sentence."""
        voice = VOICES[language][self.accent]
        return speak(text, language, self.variant, voice=voice, pitch=self.pitch, speed=self.speed, size=self.size)


def training_speakers(seed: int = 0) -> list[Speaker]:
    """Several speakers for each training variant, in random order."""
    rng = random.Random(seed)
    variants = [variant for variant in TRAINING_VARIANTS if variant not in DEVELOPMENT_VARIANTS]
    speakers = [_speaker(variant, rng, size=rng.uniform(*sizes)) for variant in variants for sizes in 2 * _SIZES]
    rng.shuffle(speakers)
    return speakers


def held_out_speakers(count: int, rng: random.Random) -> list[Speaker]:
    """Random speakers of different variants, held out from training, for evaluation."""
    return [_speaker(variant, rng) for variant in rng.sample(HELD_OUT_VARIANTS, count)]


def development_speakers(count: int, rng: random.Random) -> list[Speaker]:
    """Random speakers of different variants, held out from training, for choosing parameters."""
    return [_speaker(variant, rng) for variant in rng.sample(DEVELOPMENT_VARIANTS, count)]


def utterances(speaker: Speaker, count: int, rng: random.Random, languages: tuple[str, ...] = _LANGUAGES) -> list[Utterance]:
    """This many random sentences by one speaker."""
    said = []
    for _ in range(count):
        language = rng.choice(languages)
        said.append(speaker.say(sentence(language, rng), language))
    return said


def _speaker(variant: str, rng: random.Random, size: float = 1.0) -> Speaker:
    return Speaker(variant, int(rng.random() < 0.2), rng.randint(20, 80), rng.randint(135, 190), size)
