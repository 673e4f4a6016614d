"""Training of the embedding network: a vector for the voice in the frames that a mask selects."""

import random
from collections.abc import Callable

import numpy as np
import torch
from pyannote.audio.core.task import Problem, Resolution, Specifications
from torch import Tensor, nn

from demo_diarizer.clock import Clock
from demo_diarizer.conversations import LEVEL, Bank, Samples, level
from demo_model.speech import SAMPLE_RATE
from transcribe_cli.speakers.diarizers.demo_models import HOP_SAMPLES, DemoEmbedding

_CHUNK_SECONDS = 3.0
_BATCH = 64
_RATE = 2e-3
# Additive margin softmax (https://arxiv.org/abs/1801.05599): separates voices by a margin.
_SCALE, _MARGIN = 20.0, 0.2
# Seconds of the voice in a chunk; another speaker often talks before and after.
_HEARD = (0.6, 2.8)
_OTHERS = 0.8


def new_model(names: list[str]) -> DemoEmbedding:
    """The untrained network with its task."""
    model = DemoEmbedding()
    model.specifications = Specifications(
        problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=_CHUNK_SECONDS, classes=names
    )
    model.setup()
    return model


def train(model: DemoEmbedding, bank: Bank, clock: Clock, rng: random.Random, tell: Callable[[str], None]) -> None:
    """Train until the clock ends."""
    model.train()
    names = list(bank)
    voices = nn.Parameter(torch.randn(len(names), model.dimension) * 0.1)
    optimizer = torch.optim.Adam([*model.parameters(), voices], lr=_RATE)
    losses: list[float] = []
    right: list[float] = []
    for step in clock:
        for group in optimizer.param_groups:
            group["lr"] = _RATE * clock.rate
        waveforms, masks, who = _batch(bank, names, rng)
        cosines = nn.functional.normalize(model(waveforms, weights=masks)) @ nn.functional.normalize(voices).T
        margin = _MARGIN * min(1.0, 4 * clock.done)
        loss = nn.functional.cross_entropy(_SCALE * (cosines - margin * nn.functional.one_hot(who, len(names))), who)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
        right.append((cosines.argmax(1) == who).float().mean().item())
        if step % 100 == 0:
            tell(
                f"embedding: step {step}, loss {np.mean(losses[-100:]):.3f}, right {np.mean(right[-100:]):.3f}, {clock.done:.0%}"
            )
    model.eval()


def _batch(bank: Bank, names: list[str], rng: random.Random) -> tuple[Tensor, Tensor, Tensor]:
    """(chunks, 1, samples), (chunks, frames) masks, (chunks,) numbers of the speakers."""
    length = int(_CHUNK_SECONDS * SAMPLE_RATE)
    noise = np.random.default_rng(rng.getrandbits(32))
    waveforms = np.zeros((_BATCH, 1, length), np.float32)
    masks = np.zeros((_BATCH, length // HOP_SAMPLES), np.float32)
    who = [rng.randrange(len(names)) for _ in range(_BATCH)]
    for row, number in enumerate(who):
        heard = _stretch(rng.choice(bank[names[number]]).samples, rng)
        first = rng.randrange(length - len(heard) + 1)
        waveforms[row, 0, first : first + len(heard)] = heard * _gain(rng)
        masks[row, first // HOP_SAMPLES : max(first + len(heard), first + 8 * HOP_SAMPLES) // HOP_SAMPLES] = 1
        if rng.random() < _OTHERS:
            _surround(waveforms[row, 0], first, first + len(heard), bank, rng)
    level_of_noise = LEVEL * 10 ** (-noise.uniform(15, 40, (_BATCH, 1, 1)) / 20)
    waveforms += (noise.standard_normal(waveforms.shape) * level_of_noise).astype(np.float32)
    return torch.from_numpy(waveforms), torch.from_numpy(masks), torch.tensor(who)


def _stretch(samples: Samples, rng: random.Random) -> Samples:
    """An excerpt of an utterance at the usual level."""
    longest = int(rng.uniform(*_HEARD) * SAMPLE_RATE)
    first = rng.randrange(max(1, len(samples) - longest))
    return level(samples[first : first + longest])


def _surround(chunk: Samples, first: int, last: int, bank: Bank, rng: random.Random) -> None:
    """Add another speaker outside [first, last)."""
    other = level(rng.choice(bank[rng.choice(list(bank))]).samples) * _gain(rng)
    before = other[-first:] if first else other[:0]
    chunk[first - len(before) : first] += before
    after = other[: len(chunk) - last]
    chunk[last : last + len(after)] += after


def _gain(rng: random.Random) -> np.float32:
    return np.float32(10 ** (rng.uniform(-8, 8) / 20))
