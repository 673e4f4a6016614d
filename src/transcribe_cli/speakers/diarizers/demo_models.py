"""The two small networks of the demo diarizer; `networks` imports this module when it loads their files.

A file names its class, so the names and layers here must match `demo/diarizer`; if they change, the files no longer load. The
required interface is that of pyannote.audio 4.0's own networks (`pyannote/audio/models`). docs/demo-diarizer.md describes the training.
"""

from __future__ import annotations

from typing import cast

import torch
import torchaudio
from pyannote.audio.core.model import Model
from pyannote.audio.core.task import Specifications
from pyannote.audio.models.blocks.pooling import StatsPool
from torch import Tensor, nn

FFT_SAMPLES = 512
WINDOW_SAMPLES = 400
HOP_SAMPLES = 160
"""25 ms windows every 10 ms at 16 kHz, as in Whisper and Kaldi."""
LOWEST_HZ, HIGHEST_HZ = 60.0, 7600.0
FLOOR = 1e-5
"""Added to the power before the logarithm, so that it is finite for digital silence."""


class LogMel(nn.Module):
    """(batch, 1, samples) to (batch, mels, frames): the logarithm of the power in each mel band, 100 frames a second."""

    filters: Tensor
    window: Tensor

    def __init__(self, sample_rate: int, mels: int) -> None:
        super().__init__()
        with torch.device("cpu"):  # also where the network is only planned; see `networks`
            filters = torchaudio.functional.melscale_fbanks(FFT_SAMPLES // 2 + 1, LOWEST_HZ, HIGHEST_HZ, mels, sample_rate)
        # Both follow from the constants above, so they are not part of a checkpoint.
        self.register_buffer("filters", filters, persistent=False)
        self.register_buffer("window", torch.hann_window(WINDOW_SAMPLES), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Compute the features."""
        samples = waveforms.squeeze(1)
        spectrum = torch.stft(samples, FFT_SAMPLES, HOP_SAMPLES, WINDOW_SAMPLES, self.window, center=True, return_complex=True)
        return torch.log(torch.einsum("bft,fm->bmt", spectrum.abs().square(), self.filters) + FLOOR)


class DemoSegmentation(Model):
    """Which of up to three local speakers talk in each 20 ms of a 5 s chunk, at most two at once, as a powerset of classes."""

    STRIDE = 2

    def __init__(
        self,
        sample_rate: int = 16_000,
        num_channels: int = 1,
        mels: int = 40,
        channels: int = 64,
        hidden: int = 64,
        task: None = None,
    ) -> None:
        super().__init__(sample_rate=sample_rate, num_channels=num_channels, task=task)
        self.save_hyperparameters("mels", "channels", "hidden")
        self.features = LogMel(sample_rate, mels)
        self.normalize = nn.InstanceNorm1d(mels, affine=True)
        self.halve = nn.Sequential(
            nn.Conv1d(mels, channels, 5, stride=self.STRIDE, padding=2), nn.LeakyReLU(), nn.BatchNorm1d(channels)
        )
        self.recurrent = nn.GRU(channels, hidden, num_layers=2, batch_first=True, bidirectional=True)

    @property
    def dimension(self) -> int:
        """Number of sets of speakers."""
        return int(cast("Specifications", self.specifications).num_powerset_classes)

    def num_frames(self, num_samples: int) -> int:
        """Number of frames for this number of samples."""
        return num_samples // HOP_SAMPLES // self.STRIDE + 1

    def receptive_field_size(self, num_frames: int = 1) -> int:
        """Number of samples that make this number of frames."""
        return FFT_SAMPLES + (num_frames - 1) * self.STRIDE * HOP_SAMPLES

    def receptive_field_center(self, frame: int = 0) -> int:
        """The sample in the middle of a frame."""
        return frame * self.STRIDE * HOP_SAMPLES

    def build(self) -> None:
        """Add the last layer, whose size depends on the task."""
        self.classifier = nn.Linear(2 * self.hparams["hidden"], self.dimension)
        self.activation = self.default_activation()

    def forward(self, waveforms: Tensor, **kwargs: object) -> Tensor:
        """(batch, 1, samples) to (batch, frames, classes): log-probabilities."""
        frames = self.halve(self.normalize(self.features(waveforms)))
        hidden, _ = self.recurrent(frames.transpose(1, 2))
        classes: Tensor = cast("nn.Module", self.activation)(self.classifier(hidden))
        return classes


class DemoEmbedding(Model):
    """Embeds a voice as a vector with a small cosine distance to other vectors of the same voice."""

    LAYERS = ((5, 1), (3, 2), (3, 3), (1, 1))
    """(kernel, dilation) of the convolutions: the receptive field is 15 frames."""

    def __init__(
        self,
        sample_rate: int = 16_000,
        num_channels: int = 1,
        mels: int = 60,
        channels: int = 128,
        dimension: int = 64,
        task: None = None,
    ) -> None:
        super().__init__(sample_rate=sample_rate, num_channels=num_channels, task=task)
        self.save_hyperparameters("mels", "channels", "dimension")
        self.features = LogMel(sample_rate, mels)
        layers: list[nn.Module] = []
        for number, (kernel, dilation) in enumerate(self.LAYERS):
            inputs = channels if number else mels
            layers.append(nn.Conv1d(inputs, channels, kernel, dilation=dilation, padding=dilation * (kernel // 2)))
            layers += [nn.LeakyReLU(), nn.BatchNorm1d(channels)]
        self.tdnn = nn.Sequential(*layers)
        self.pool = StatsPool()
        self.embedding = nn.Linear(2 * channels, dimension)

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return int(self.hparams["dimension"])

    def num_frames(self, num_samples: int) -> int:
        """Number of frames for this number of samples."""
        return num_samples // HOP_SAMPLES + 1

    def receptive_field_size(self, num_frames: int = 1) -> int:
        """Number of samples that make this number of frames."""
        context = sum(dilation * (kernel - 1) for kernel, dilation in self.LAYERS)
        return FFT_SAMPLES + (num_frames - 1 + context) * HOP_SAMPLES

    def receptive_field_center(self, frame: int = 0) -> int:
        """The sample in the middle of a frame."""
        return frame * HOP_SAMPLES

    def forward(self, waveforms: Tensor, weights: Tensor | None = None, **kwargs: object) -> Tensor:
        """Embed waveforms (batch, 1, samples).

        Args:
            waveforms: at 16 kHz.
            weights: (batch, frames) weight of each frame, at any frame rate, giving (batch, dimension); or
                (batch, speakers, frames), giving (batch, speakers, dimension).
            **kwargs: ignored.
        """
        features = self.features(waveforms)
        # Normalize the level: the loudest band of the chunk is 0.
        features = (features - features.amax(dim=(1, 2), keepdim=True)) / 4
        vectors: Tensor = self.embedding(self.pool(self.tdnn(features), weights=weights))
        return vectors
