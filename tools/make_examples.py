"""Make the example recordings: `python tools/make_examples.py` writes examples/audio and examples/references.

Synthetic speech in the demo model's vocabulary, by voices that it was not trained with, in common containers. The output is
deterministic for given versions of espeak-ng and PyAV.
"""

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parent))

from demo_model.speech import SAMPLE_RATE, speak

EXAMPLES = Path(__file__).parents[1] / "examples"
_VIDEO_SIZE = (160, 90)
_VIDEO_RATE = 5  # frames per second
_FRAME = 1024  # samples per call of an encoder


@dataclass(frozen=True)
class Recording:
    """The text of a file, and its encoding."""

    name: str
    language: str
    voices: tuple[str, ...]
    pauses: tuple[float, float]  # seconds between sentences
    codec: str
    bit_rate: int
    text: str  # one sentence per line; with several voices, each line starts with the number of its voice
    pitch: int = 50
    video: bool = False

    @property
    def sentences(self) -> list[tuple[str, str]]:
        """Each sentence with its voice."""
        lines = [line.strip() for line in self.text.strip().splitlines()]
        if len(self.voices) < 2:
            return [(self.voices[0], line) for line in lines]
        numbered = [line.partition(" ") for line in lines]
        return [(self.voices[int(number)], sentence) for number, _, sentence in numbered]


@dataclass(frozen=True)
class Said:
    """A sentence with its times, in seconds of the recording."""

    voice: str
    text: str
    start: float
    end: float


RECORDINGS = (
    Recording(
        "aula.mp3",
        "pt",
        ("adam",),
        (0.4, 1.5),
        "libmp3lame",
        40_000,
        """
        Bom dia a todos.
        Vamos começar a aula.
        O professor apresenta a lição de hoje.
        Abram o livro na página quarenta e dois.
        A turma estuda a equação do segundo grau na sala de aula.
        Podem anotar no caderno.
        Isso é muito importante.
        O aluno descreve o problema de química em voz alta.
        Qual é a sua dúvida?
        A aluna comenta a pergunta vinte e três com calma.
        A resposta certa é dezessete.
        O professor corrige o exercício de matemática mais uma vez.
        Alguma pergunta?
        A professora mostra o mapa da cidade para todos.
        Vamos voltar ao tema da aula.
        O grupo discute a história do brasil agora.
        A turma revisa o capítulo trinta e cinco com cuidado.
        A água ferve a cem graus.
        O coração bombeia o sangue.
        O professor explica a prova de física muito bem.
        O senhor pode repetir?
        A professora explica o capítulo doze mais uma vez.
        Vamos fazer um intervalo de quinze minutos.
        Boa tarde, turma.
        Nosso colega apresenta a música nova na sala de aula.
        O aluno resume a aula de geografia.
        A diretora comenta o relatório final.
        Minha irmã escreve a carta da família depois do almoço.
        O grupo prepara a reunião da semana.
        A turma discute o projeto de lei em vinte minutos.
        A aluna corrige o texto da página oitenta e nove.
        Eu não concordo.
        A resposta certa é noventa e um.
        O professor prepara a prova de física na sexta feira.
        Não esqueçam a tarefa de casa.
        A escola revisa o livro de português antes da prova.
        Muito obrigado pela atenção.
        Até a próxima aula.
        """,
        pitch=45,
    ),
    Recording(
        "hearing.wav",
        "pt",
        ("david", "belinda", "robert"),
        (0.3, 1.0),
        "pcm_s16le",
        0,
        """
        0 A audiência está aberta.
        1 Sim, senhora.
        0 O juiz explica o contrato de trabalho com calma.
        1 Eu não concordo.
        0 Qual é a sua dúvida?
        1 O advogado apresenta a pergunta dezesseis.
        2 A testemunha descreve o problema de química.
        0 O senhor pode repetir?
        2 A testemunha descreve a reunião da semana mais uma vez.
        1 O médico comenta o relatório final com cuidado.
        0 Isso é muito importante.
        2 O governo discute o projeto de lei amanhã.
        1 Alguma pergunta?
        2 A testemunha mostra a carta da família para todos.
        1 O advogado revisa o contrato de trabalho em voz alta.
        0 O juiz resume o texto da página setenta e quatro.
        0 Vamos fazer um intervalo de trinta minutos.
        1 Muito obrigado pela atenção.
        """,
    ),
    Recording(
        "talk.ogg",
        "en",
        ("edward",),
        (0.3, 1.0),
        "libopus",
        32_000,
        """
        Good morning, everyone.
        Let us start the lesson.
        Our group presents the new project today.
        Open the book on page twenty-seven.
        The teacher explains the history of the country very slowly.
        This is very important.
        The student reads the text on page sixty-four.
        Any questions?
        Please repeat that.
        The class discusses question eighteen once more.
        The right answer is fifty-three.
        I do not agree.
        The doctor reviews the final report in ten minutes.
        My brother prepares the math exercise after lunch.
        The city shows the map of the city for everyone.
        Thank you very much.
        See you next week.
        """,
    ),
    Recording(
        "clase.mp4",
        "es",
        ("linda",),
        (0.3, 0.9),
        "aac",
        48_000,
        """
        Buenos días a todos.
        Vamos a empezar.
        La maestra presenta la lección de hoy.
        El alumno estudia la historia del país en la clase.
        ¿Alguna pregunta?
        Esto es muy importante.
        El profesor explica el ejercicio otra vez.
        La clase prepara el informe final ahora.
        El juez describe el libro nuevo para todos.
        Muchas gracias.
        Hasta la próxima semana.
        """,
        video=True,
    ),
)


def main() -> None:
    """Write all recordings and their texts."""
    for folder in ("audio", "references"):
        (EXAMPLES / folder).mkdir(parents=True, exist_ok=True)
    for number, recording in enumerate(RECORDINGS):
        samples, said = say(recording, random.Random(number))
        encode(EXAMPLES / "audio" / recording.name, samples, recording)
        _write_reference(recording, said)
        print(f"{recording.name}: {len(samples) / SAMPLE_RATE:.1f} s")
    faint = np.random.default_rng(0).normal(0, 3e-5, 10 * SAMPLE_RATE)
    faint[: 3 * SAMPLE_RATE] = 0
    silence = Recording("silencio.m4a", "pt", (), (0, 0), "aac", 32_000, "")
    encode(EXAMPLES / "audio" / silence.name, faint.astype(np.float32), silence)
    _write_reference(silence, [])


def say(recording: Recording, rng: random.Random) -> tuple[npt.NDArray[np.float32], list[Said]]:
    """Speak the sentences with pauses, over faint noise. Returns samples (n,) at 16 kHz, and the times of the sentences."""
    pieces = [np.zeros(SAMPLE_RATE // 2, np.float32)]
    said: list[Said] = []
    for voice, text in recording.sentences:
        speed = rng.randint(148, 168)
        start = sum(map(len, pieces)) / SAMPLE_RATE
        pieces.append(speak(text, recording.language, voice, pitch=recording.pitch, speed=speed).samples)
        said.append(Said(voice, text, start, start + len(pieces[-1]) / SAMPLE_RATE))
        pieces.append(np.zeros(int(rng.uniform(*recording.pauses) * SAMPLE_RATE), np.float32))
    samples = np.concatenate(pieces) * np.float32(0.7)
    return samples + np.random.default_rng(0).normal(0, 2e-4, len(samples)).astype(np.float32), said


def encode(path: Path, samples: npt.NDArray[np.float32], recording: Recording) -> None:
    """Write mono 16 kHz audio, and a slowly changing picture if the recording has video."""
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        audio = container.add_stream(recording.codec, rate=SAMPLE_RATE, layout="mono")
        if recording.bit_rate:
            audio.bit_rate = recording.bit_rate
        if recording.video:
            _encode_video(container, len(samples) / SAMPLE_RATE)
        whole = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
        for start in range(0, len(whole), _FRAME):
            frame = av.AudioFrame.from_ndarray(whole[None, start : start + _FRAME], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))


def _encode_video(container: av.container.OutputContainer, seconds: float) -> None:
    """A picture with a bar, which crosses it once during the video."""
    width, height = _VIDEO_SIZE
    stream = container.add_stream("mpeg4", rate=_VIDEO_RATE)
    stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", 40_000
    count = int(seconds * _VIDEO_RATE)
    for number in range(count):
        picture = np.full((height, width, 3), 40, np.uint8)
        picture[:, : number * width // count] = (60, 120, 180)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
    container.mux(stream.encode(None))


def _write_reference(recording: Recording, said: Sequence[Said]) -> None:
    """Write the text, one sentence per line, and the turns if there are several voices."""
    path = EXAMPLES / "references" / recording.name
    path.with_suffix(".txt").write_text("".join(f"{one.text}\n" for one in said), encoding="utf-8")
    if len(recording.voices) > 1:
        turns = (
            f"SPEAKER {path.stem} 1 {one.start:.3f} {one.end - one.start:.3f} <NA> <NA> {one.voice} <NA> <NA>\n" for one in said
        )
        path.with_suffix(".rttm").write_text("".join(turns), encoding="utf-8")


if __name__ == "__main__":
    main()
