"""The contract of diarizers, which detect who spoke when: a waveform in, turns out.

Speakers are called SPEAKER_00, SPEAKER_01, … in the order in which they first speak, unless the diarizer knows their names.

    pyannote.py         pyannote.audio's pipelines, in this process
    pipeline_files.py   checks whether a pipeline can be loaded, and locates its files, before recognition starts
    pipeline_config.py  the config.yaml of a pipeline
    hub.py              the Hugging Face hub and its cache
    networks.py         loads networks without running code that their files bring
    safetensors_file.py networks in a format that holds no code
    checkpoint_file.py  networks in PyTorch's format
    plain_pickle.py     values of a pickle, without running it
    network_numbers.py  limits for the numbers with which a file describes its network
    loading.py          imports pyannote.audio, and loads a pipeline onto a device
    torchaudio_stub.py  torchaudio for a PyTorch without CUDA
    library_output.py   keeps what the library prints away from standard output
    embedding_stage.py  pyannote.audio's embedding stage with a third of the work
    blocks.py           splits long recordings into blocks, and links their speakers by voice
    turns.py            puts turns and speaker labels into canonical form
    demo_models.py      the two networks of the demo diarizer
    rttm.py             turns from an RTTM file instead of a model
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio import Waveform
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Turn


@dataclass(frozen=True, eq=False)
class Diarization:
    """Who spoke when.

    Attributes:
        turns: ordered by start; turns of different speakers may overlap.
        embeddings: for each speaker a vector (dimensions,) that is close to vectors of the same voice in other recordings; empty if the
            diarizer has none.
        embedded_by: identifies the network that made the embeddings; only embeddings of the same network can be compared.
        revision: the commits of the hub's repositories that the diarizer is from; None if it is from elsewhere.
    """

    turns: tuple[Turn, ...]
    embeddings: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    embedded_by: str = ""
    revision: str | None = None


class Diarizer(Protocol):
    """A loaded diarizer; not thread-safe."""

    @property
    def name(self) -> str:
        """The model, as in the job spec."""

    @property
    def device(self) -> str:
        """`cpu` or `cuda`."""

    def diarize(self, waveform: Waveform, spec: JobSpec, on_progress: Callable[[float], None]) -> Diarization:
        """Detect who speaks when in a completely decoded waveform.

        Args:
            waveform: at 16 kHz; a long one is read in blocks, never as a whole.
            spec: has the number of speakers, if it is known.
            on_progress: called in this thread with the share that is done, 0 to 1; an exception that it raises stops the work.

        Raises:
            DiarizationFailed: this recording cannot be diarized.
        """
