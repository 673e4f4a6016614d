"""The spoken sentences for training, synthesized once on all cores and stored in a file."""

import multiprocessing
import pickle
import random
from pathlib import Path

import numpy as np

from demo_model.corpus import sentence
from demo_model.speech import TRAINING_VARIANTS, Utterance, random_utterance

_SHARES = {"pt": 0.5, "en": 0.28, "es": 0.22}


def load_or_make(path: Path, count: int) -> list[Utterance]:
    """Return `count` utterances of training sentences by training voices; about a minute for 10,000 on two cores."""
    if not path.exists():
        with multiprocessing.Pool() as pool:
            made = pool.map(_one, range(count), chunksize=64)
        path.write_bytes(pickle.dumps(made))
    return list(pickle.loads(path.read_bytes()))


def _one(seed: int) -> Utterance:
    rng = random.Random(seed)
    language = rng.choices(list(_SHARES), list(_SHARES.values()))[0]
    utterance = random_utterance(language, rng, TRAINING_VARIANTS, lambda: sentence(language, rng))
    # float32 audio of 10 h would take 2 GiB.
    half = utterance.samples.astype(np.float16)
    return Utterance(utterance.text, language, utterance.variant, half, utterance.words)
