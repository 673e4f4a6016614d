"""Training of the segmentation network: which of up to three local speakers talk in each frame, independent of their order."""

import itertools
import random
from collections.abc import Callable

import numpy as np
import torch
from pyannote.audio.core.task import Problem, Resolution, Specifications
from pyannote.audio.utils.powerset import Powerset
from torch import Tensor, nn

from demo_diarizer.clock import Clock
from demo_diarizer.conversations import Bank, Conversation, Manner, converse
from demo_model.speech import SAMPLE_RATE
from transcribe_cli.speakers.diarizers.demo_models import DemoSegmentation

CHUNK_SECONDS = 5.0
LOCAL_SPEAKERS, AT_ONCE = 3, 2
_CONVERSATION_SECONDS = 40.0
_POOL = 120
_BATCH = 32
_RATE = 2e-3
# Numbers of speakers in the conversations of the pool.
_PARTIES = (1, 2, 2, 2, 3, 3, 4)
_MANNER = Manner(overlap=0.25, snr=(15, 40))
# Chunks of a batch without speech: digital silence, or only noise.
_SPEECHLESS = 0.08
# Chunks of a batch at the end of a recording, where pyannote.audio pads with zeros.
_ENDS = 0.1

Chunk = tuple[np.ndarray, np.ndarray]
"""(samples,) and (frames, speakers) of 0 and 1."""


def new_model() -> DemoSegmentation:
    """The untrained network with its task."""
    model = DemoSegmentation()
    model.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=CHUNK_SECONDS,
        classes=[f"speaker#{number + 1}" for number in range(LOCAL_SPEAKERS)],
        powerset_max_classes=AT_ONCE,
        permutation_invariant=True,
    )
    model.setup()
    return model


def train(model: DemoSegmentation, bank: Bank, clock: Clock, rng: random.Random, tell: Callable[[str], None]) -> None:
    """Train until the clock ends. The pool of conversations is regenerated from time to time."""
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=_RATE)
    losses: list[float] = []
    pool: list[Conversation] = []
    for step in clock:
        if step % 300 == 0:
            pool = [_conversation(bank, rng) for _ in range(_POOL)]
        for group in optimizer.param_groups:
            group["lr"] = _RATE * clock.rate
        samples, active = _batch(pool, model, rng)
        loss = permutation_free_loss(model(samples), active)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if step % 100 == 0:
            tell(f"segmentation: step {step}, loss {np.mean(losses[-100:]):.3f}, {clock.done:.0%}")
    model.eval()


def permutation_free_loss(scores: Tensor, active: Tensor) -> Tensor:
    """Negative log-likelihood for the best order of the speakers of each chunk.

    Args:
        scores: (chunks, frames, classes) log-probabilities of sets of speakers.
        active: (chunks, frames, speakers), 0 or 1.
    """
    powerset = Powerset(LOCAL_SPEAKERS, AT_ONCE)
    losses = []
    for order in itertools.permutations(range(LOCAL_SPEAKERS)):
        targets = powerset.to_powerset(active[:, :, list(order)]).argmax(-1)
        losses.append(nn.functional.nll_loss(scores.transpose(1, 2), targets, reduction="none").mean(1))
    return torch.stack(losses).min(0).values.mean()


def _conversation(bank: Bank, rng: random.Random) -> Conversation:
    names = rng.sample(list(bank), rng.choice(_PARTIES))
    return converse({name: bank[name] for name in names}, _CONVERSATION_SECONDS, rng, _MANNER)


def _batch(pool: list[Conversation], model: DemoSegmentation, rng: random.Random) -> tuple[Tensor, Tensor]:
    """(chunks, 1, samples) and (chunks, frames, speakers)."""
    frames = model.num_frames(int(CHUNK_SECONDS * SAMPLE_RATE))
    chunks: list[Chunk] = []
    while len(chunks) < _BATCH:
        chunk = _speechless(frames, rng) if rng.random() < _SPEECHLESS else _cut(rng.choice(pool), frames, model, rng)
        if chunk is not None:
            chunks.append(_ended(chunk, rng) if rng.random() < _ENDS else chunk)
    samples, active = zip(*chunks, strict=True)
    return torch.from_numpy(np.stack(samples))[:, None], torch.from_numpy(np.stack(active))


def _cut(talk: Conversation, frames: int, model: DemoSegmentation, rng: random.Random) -> Chunk | None:
    """A chunk of the conversation; None if it has more speakers than the network supports."""
    step = model.receptive_field.step
    begin = rng.uniform(0, talk.seconds - CHUNK_SECONDS)
    heard = [turn for turn in talk.turns if turn.end > begin and turn.start < begin + CHUNK_SECONDS]
    who = sorted({turn.speaker for turn in heard})
    if len(who) > LOCAL_SPEAKERS:
        return None
    active = np.zeros((frames, LOCAL_SPEAKERS), np.float32)
    for turn in heard:
        first, last = round((turn.start - begin) / step), round((turn.end - begin) / step)
        active[max(0, first) : max(0, last), who.index(turn.speaker)] = 1
    if active.sum(1).max() > AT_ONCE:
        return None
    offset = int(begin * SAMPLE_RATE)
    samples = talk.samples[offset : offset + int(CHUNK_SECONDS * SAMPLE_RATE)]
    return samples * np.float32(10 ** (rng.uniform(-12, 10) / 20)), active


def _ended(chunk: Chunk, rng: random.Random) -> Chunk:
    """The chunk, cut at a random position."""
    samples, active = chunk[0].copy(), chunk[1].copy()
    share = rng.random()
    samples[round(share * len(samples)) :] = 0
    active[round(share * len(active)) :] = 0
    return samples, active


def _speechless(frames: int, rng: random.Random) -> Chunk:
    loudness = rng.choice([0.0, 10 ** rng.uniform(-5, -2)])
    noise = np.random.default_rng(rng.getrandbits(32)).standard_normal(int(CHUNK_SECONDS * SAMPLE_RATE))
    return (noise * loudness).astype(np.float32), np.zeros((frames, LOCAL_SPEAKERS), np.float32)
