"""The enrolled voices that a run uses, and their effect on the speakers of a transcript."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.events import Emit, Notice
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.voices.library import Library
from transcribe_cli.speakers.voices.matching import match_voices
from transcribe_cli.transcript import Transcript, VoiceMatch

# The flag of a transcript with a possible match that is not sure.
DOUBTFUL = "speaker_doubtful"


class KnownVoices:
    """The voices of a library, read once.

    Args:
        library: where the voices are.
        threshold: minimum similarity for naming a speaker.
        emit: receives a warning when the library has voices and none of them can be used.

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
        self._warned_about: set[str] = set()

    def match(self, diarization: Diarization, model: str, given: Mapping[str, str]) -> tuple[VoiceMatch, ...]:
        """Speakers of a recording who sound like an enrolled voice.

        Args:
            diarization: with embeddings; without them nobody matches.
            model: the diarizer, for messages.
            given: label -> name that a user gave. These speakers are not compared, and no other speaker gets their names.
        """
        if not diarization.embeddings or not self._voices:
            return ()
        if diarization.embedded_by not in self._voices:
            self._warn_once(model, diarization.embedded_by)
            return ()
        speakers = {label: vector for label, vector in diarization.embeddings.items() if label not in given}
        taken = {name for label, name in given.items() if label in diarization.embeddings}
        return match_voices(speakers, self._voices[diarization.embedded_by], self._threshold, taken)

    def _warn_once(self, model: str, network: str) -> None:
        if network in self._warned_about:
            return
        self._warned_about.add(network)
        others = [other for other in dict.fromkeys(self._enrolled_with) if other != model] or [f"another version of {model}"]
        self._emit(
            Notice(
                f"No enrolled voice is used: they were enrolled with {', '.join(others)}, whose embeddings {model} cannot compare. "
                f"Enroll them again with --diarize-model {model}, or use --no-voices.",
                "warning",
            )
        )


def with_voice_matches(transcript: Transcript, matches: Iterable[VoiceMatch]) -> Transcript:
    """The transcript with names for sure matches, and with the flag `speaker_doubtful` when there is a possible match."""
    matches = tuple(matches)
    flags = [flag for flag in transcript.flags if flag != DOUBTFUL]
    if not all(match.sure for match in matches):
        flags.append(DOUBTFUL)
    return transcript.model_copy(
        update={
            "flags": tuple(flags),
            "speaker_names": {match.speaker: match.name for match in matches if match.sure},
            "quality": transcript.quality.model_copy(update={"voices": matches}),
        }
    )
