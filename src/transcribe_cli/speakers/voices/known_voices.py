"""The voices that a run knows, and what they say about the speakers of a transcript."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.events import Emit, Notice
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.voices.library import Library
from transcribe_cli.speakers.voices.matching import match_voices
from transcribe_cli.transcript import Transcript, VoiceMatch

# The flag of a transcript in which somebody sounds like a voice, but not surely.
DOUBTFUL = "speaker_doubtful"


class KnownVoices:
    """The voices of a library, read once.

    Args:
        threshold: similarity from which on a speaker may be named.
        emit: told when the library has voices and none of them can be used.

    Raises:
        ConfigError: the library is damaged.
    """

    def __init__(self, library: Library, threshold: float, emit: Emit) -> None:
        self._threshold = threshold
        self._emit = emit
        self._voices: dict[str, dict[str, NDArray[np.float32]]] = {}  # by network, then by name
        self._enrolled_with: list[str] = []
        for voice in library.voices():
            self._voices.setdefault(voice.embedded_by, {})[voice.name] = library.vector(voice)
            self._enrolled_with.append(voice.diarize_model)
        self._told: set[str] = set()

    def heard_in(self, found: Diarization, model: str, given: Mapping[str, str]) -> tuple[VoiceMatch, ...]:
        """Which speakers of a recording sound like a voice.

        Args:
            found: with embeddings; without them nobody is recognized.
            model: of the diarizer, for people.
            given: label -> name of speakers whom people named, who are left alone, and whose names are taken.
        """
        if not found.embeddings or not self._voices:
            return ()
        if found.embedded_by not in self._voices:
            self._tell_once(model, found.embedded_by)
            return ()
        speakers = {label: vector for label, vector in found.embeddings.items() if label not in given}
        taken = {name for label, name in given.items() if label in found.embeddings}
        return match_voices(speakers, self._voices[found.embedded_by], self._threshold, taken)

    def _tell_once(self, model: str, network: str) -> None:
        if network in self._told:
            return
        self._told.add(network)
        others = [other for other in dict.fromkeys(self._enrolled_with) if other != model] or ["another version of it"]
        self._emit(
            Notice(
                f"No enrolled voice is used: {model} cannot compare them, they were enrolled with {', '.join(others)}. "
                f"Enroll them again with --diarize-model {model}, or use --no-voices.",
                "warning",
            )
        )


def with_likenesses(transcript: Transcript, found: Iterable[VoiceMatch]) -> Transcript:
    """The transcript with those speakers named who are surely somebody, and with a flag when another may be."""
    likely = tuple(found)
    flags = [flag for flag in transcript.flags if flag != DOUBTFUL]
    if not all(likeness.sure for likeness in likely):
        flags.append(DOUBTFUL)
    return transcript.model_copy(
        update={
            "flags": tuple(flags),
            "speaker_names": {likeness.speaker: likeness.name for likeness in likely if likeness.sure},
            "quality": transcript.quality.model_copy(update={"voices": likely}),
        }
    )
