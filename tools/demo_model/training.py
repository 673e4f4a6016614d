"""Training of the demo model: batches of windows, loss with guided attention, and phases of growing windows.

Short windows come first, because a second of audio is cheaper in them. They start at a random position of the 30 s, so that
every position of the encoder and every timestamp is trained before the long windows.
"""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from faster_whisper.feature_extractor import FeatureExtractor
from torch import Tensor, distributed, nn
from torch.nn import functional

from demo_model.model import MELS, POSITIONS, WIDTH, Recognizer
from demo_model.speech import SAMPLE_RATE
from demo_model.tokenizer import TIME_STEP, TIMESTAMPS, Tokens
from demo_model.windows import IGNORED, NOWHERE, Bank, Window, compose

_FRAME, _HOP = 400, 160  # samples of the spectrum's frames, as in Whisper
_WARM_UP_STEPS = 100
_CHECKPOINT_SECONDS = 150
_NAMED_EVERY = 3  # positions; adjacent ones have the same word
_BLUR = 3  # timestamps on either side of the true one
_SPAN_MARGIN = 0.1  # seconds around a word where attention counts as right
_FILTERS = torch.tensor(np.asarray(FeatureExtractor().mel_filters), dtype=torch.float32)
_HANN = torch.hann_window(_FRAME)


@dataclass(frozen=True)
class Phase:
    """A phase of training."""

    share: float  # of the whole time
    windows: tuple[tuple[float, int], ...]  # (seconds, windows per step); each step picks one of these
    guidance: float  # weight of the attention loss
    naming: float  # weight of the loss of the words of encoder states


PHASES = (
    Phase(share=0.17, windows=((6, 32),), guidance=0.3, naming=0.5),
    Phase(share=0.15, windows=((12, 16),), guidance=0.2, naming=0.3),
    Phase(share=0.4, windows=((6, 32), (30, 8)), guidance=0.2, naming=0.4),
    Phase(share=0.28, windows=((30, 8),), guidance=0.1, naming=0.2),
)
LAST_PHASES = (replace(PHASES[2], share=0.6), replace(PHASES[3], share=0.4))  # when resuming from a checkpoint


@dataclass
class Batch:
    """mel (batch, mels, frames), inputs and targets (batch, steps), spans (batch, steps, 2) in seconds.

    names (batch, positions) is the first token of the word that is spoken at a position of the encoder.
    """

    mel: Tensor
    inputs: Tensor
    targets: Tensor
    spans: Tensor
    names: Tensor


def make_batch(bank: Bank, tokens: Tokens, rng: random.Random, seconds: float, size: int) -> Batch:
    """Generate `size` random windows of `seconds`, with tokens padded to the longest."""
    windows = [compose(bank, tokens, rng, seconds) for _ in range(size)]
    steps = max(len(window.inputs) for window in windows)
    inputs = torch.full((size, steps), tokens.end)
    targets = torch.full((size, steps), IGNORED)
    spans = torch.full((size, steps, 2), NOWHERE[0])
    names = torch.full((size, int(seconds / TIME_STEP)), IGNORED)
    for row, window in enumerate(windows):
        _name(names[row], window, tokens)
        count = len(window.inputs)
        inputs[row, :count] = torch.tensor(window.inputs)
        targets[row, :count] = torch.tensor(window.targets)
        spans[row, :count] = torch.tensor(window.spans)
    return Batch(features(windows, rng), inputs, targets, spans, names)


def _name(names: Tensor, window: Window, tokens: Tokens) -> None:
    """Write the words' first tokens at the positions where they are spoken."""
    before = NOWHERE
    for token, span in zip(window.targets, window.spans, strict=True):
        if span not in (NOWHERE, before) and 0 <= token < tokens.end:
            names[int(span[0] / TIME_STEP) : int(span[1] / TIME_STEP)] = token
        before = span


def features(windows: list[Window], rng: random.Random) -> Tensor:
    """Log-mel as in faster-whisper, (windows, mels, frames), with the variation of real recordings.

    faster-whisper computes the floor from the loudest frame of the file, which may be in another window, and pads
    the features of a clip with zeros. A random slope simulates microphones and codecs.
    """
    samples = torch.from_numpy(np.stack([window.samples for window in windows]))
    power = torch.stft(samples, _FRAME, _HOP, window=_HANN, return_complex=True)[..., :-1].abs() ** 2
    mel = torch.clamp(_FILTERS @ power, min=1e-10).log10()
    for row, window in enumerate(windows):
        if rng.random() < 0.3:
            mel[row] += _equalizer(rng)[:, None]
        headroom = rng.choice([0.0, rng.uniform(0, 1)])
        mel[row] = (torch.maximum(mel[row], mel[row].max() + headroom - 8.0) + 4) / 4
        padding = int((window.speech_end + rng.uniform(0, 0.6)) * SAMPLE_RATE / _HOP)
        if rng.random() < 0.5:
            mel[row, :, padding:] = 0
    return mel


def _equalizer(rng: random.Random) -> Tensor:
    """A smooth change of level over the mel bands, up to 3 dB up or down, (mels,)."""
    knots = [rng.uniform(-0.3, 0.3) for _ in range(5)]
    curve = np.interp(np.linspace(0, 4, MELS), range(5), knots)
    return torch.tensor(curve, dtype=torch.float32)


def step_loss(
    model: Recognizer, naming: nn.Linear, batch: Batch, tokens: Tokens, offset: int, phase: Phase
) -> tuple[Tensor, float]:
    """The loss of a batch whose audio begins at encoder position `offset`, and the share of correct tokens.

    In addition to Whisper's loss, two losses use word times: the guided heads of the decoder must attend to the next
    word, and a linear layer, `naming`, which is not exported, must identify the word of every encoder state.
    """
    inputs, targets = (_shifted(ids, tokens, offset) for ids in (batch.inputs, batch.targets))
    positions = torch.arange(batch.mel.shape[2] // 2) * TIME_STEP
    start, end = batch.spans[..., :1] - _SPAN_MARGIN, batch.spans[..., 1:] + _SPAN_MARGIN
    spoken = batch.spans[..., 0] > NOWHERE[0]
    listen = (positions >= start) & (positions <= end)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        memory = model.encoder(batch.mel, offset)
        states, shares = model.decoder(inputs, memory, listen)
        heard, names = memory[:, ::_NAMED_EVERY], batch.names[:, ::_NAMED_EVERY]
        named = naming(heard[names != IGNORED]).float()
    learnt = targets != IGNORED
    logits = model.logits(states.float()[learnt])
    loss = _token_loss(logits, targets[learnt], tokens)
    for share in shares:
        right = share.transpose(1, 2)[spoken]
        loss = loss - phase.guidance * torch.log(right + 1e-4).mean()
    loss = loss + phase.naming * functional.cross_entropy(named, names[names != IGNORED])
    return loss, (logits.argmax(-1) == targets[learnt]).float().mean().item()


def _token_loss(logits: Tensor, targets: Tensor, tokens: Tokens) -> Tensor:
    """Cross entropy of (tokens, vocabulary), in which the neighbours of a timestamp count as nearly correct."""
    logs = functional.log_softmax(logits, -1)
    stamps = targets >= tokens.first_stamp
    plain = -logs[~stamps].gather(1, targets[~stamps, None]).sum()
    near = torch.arange(-_BLUR, _BLUR + 1)
    weights = functional.softmax(-(near**2) / _BLUR, 0)
    last = tokens.first_stamp + TIMESTAMPS - 1
    around = (targets[stamps, None] + near).clamp(tokens.first_stamp, last)
    blurred = -(logs[stamps].gather(1, around) * weights).sum()
    return (plain + blurred) / len(targets)


def _shifted(ids: Tensor, tokens: Tokens, offset: int) -> Tensor:
    """Shift timestamps by `offset` steps. Those of a prompt may leave the range and are clamped to its end."""
    last = tokens.first_stamp + TIMESTAMPS - 1
    return torch.where(ids >= tokens.first_stamp, (ids + offset).clamp(max=last), ids)


class Crew:
    """Processes that train together, one thread each, and average their gradients.

    On a shared machine, threads wait for the slowest one at every operation, processes only at every step.
    """

    def __init__(self, rank: int, size: int, meeting_point: Path) -> None:
        self.rank, self.size = rank, size
        torch.set_num_threads(1)
        distributed.init_process_group("gloo", init_method=f"file://{meeting_point}", rank=rank, world_size=size)

    def average(self, parameters: list[nn.Parameter], value: float) -> float:
        """Average the gradients in place, and return the average of `value`."""
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([*(gradient.flatten() for gradient in gradients), torch.tensor([value])])
        distributed.all_reduce(flat)
        flat /= self.size
        *parts, mean = flat.split([*(gradient.numel() for gradient in gradients), 1])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        return mean.item()


def train(
    model: Recognizer,
    bank: Bank,
    tokens: Tokens,
    crew: Crew,
    seconds: float,
    peak_rate: float,
    on_progress: Callable[[str], None],
    on_checkpoint: Callable[[Recognizer], None],
    phases: tuple[Phase, ...] = PHASES,
    seed: int = 0,
) -> None:
    """Train for `seconds` of wall clock; the learning rate follows a cosine.

    Every process of the crew calls this with the same model. `on_checkpoint` is called every few minutes and at the
    end, by the first process, as is `on_progress`.
    """
    rng = random.Random(seed * crew.size + crew.rank)
    naming = nn.Linear(WIDTH, tokens.end)
    parameters = [parameter for parameter in (*model.parameters(), *naming.parameters()) if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=peak_rate, betas=(0.9, 0.98), weight_decay=0.01)
    began = saved = time.monotonic()
    steps, done, seen = 0, 0.0, []
    while done < 1:
        phase = _phase_at(phases, done)
        window, size = random.Random(steps).choice(phase.windows)  # the same for all processes
        room = POSITIONS - int(window / TIME_STEP)
        rate = peak_rate * min(1, (steps + 1) / _WARM_UP_STEPS) * (0.02 + 0.49 * (1 + math.cos(math.pi * done)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = make_batch(bank, tokens, rng, window, size // crew.size)
        loss, right = step_loss(model, naming, batch, tokens, rng.choice([0, rng.randint(0, room)]), phase)
        optimizer.zero_grad()
        loss.backward()
        done = crew.average(parameters, (time.monotonic() - began) / seconds)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        steps += 1
        seen.append((loss.item(), right))
        if steps % 50 == 0:
            mean_loss, mean_right = np.mean(seen, 0)
            seen = []
            if crew.rank == 0:
                on_progress(
                    f"{steps} steps, {time.monotonic() - began:.0f} s: loss {mean_loss:.3f}, tokens right {mean_right:.3f}"
                )
        if crew.rank == 0 and time.monotonic() - saved > _CHECKPOINT_SECONDS:
            saved = time.monotonic()
            on_checkpoint(model)
    if crew.rank == 0:
        on_checkpoint(model)


def _phase_at(phases: tuple[Phase, ...], done: float) -> Phase:
    """The phase at this share of the time."""
    for phase in phases:
        if done < phase.share:
            return phase
        done -= phase.share
    return phases[-1]
