"""A mutation fuzzer over the decoder: damaged copies of recordings in every container go through the real child process.

    python tools/fuzz_decoder.py --seconds 3600 --seed 1

A finding is anything but a waveform within the limits or one of our own errors about the file: a crash or a hang of the child, another
exception, a scratch file left behind, another open file. Its input is kept. The exit code is 1 if there are findings.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.audio.media import Track, encode  # noqa: E402 - needs the path above
from tools.mutations import mutate  # noqa: E402

from transcribe_cli.audio import Decoder, Limits, Waveform  # noqa: E402
from transcribe_cli.errors import DecoderFailed, NoAudioTrack, NotAudio, TooLong, TooManyChannels  # noqa: E402

LIMITS = Limits(max_seconds=600.0, memory_bytes=1 << 30, stall_seconds=20.0, grace_seconds=30.0)
EXPECTED = (NotAudio, NoAudioTrack, TooLong, TooManyChannels)
OUT_OF_MEMORY = "of memory."  # the limit at work; the child is replaced

GENERATED: dict[str, Track] = {
    "pcm.wav": Track("pcm_s16le"),
    "float.wav": Track("pcm_f32le"),
    "ima.wav": Track("adpcm_ima_wav"),
    "ms.wav": Track("adpcm_ms"),
    "alaw.wav": Track("pcm_alaw", 8_000),
    "a.w64": Track("pcm_s24le"),
    "a.aiff": Track("pcm_s16be"),
    "a.au": Track("pcm_s16be"),
    "a.caf": Track("pcm_s16be"),
    "a.voc": Track("pcm_u8", 8_000),
    "a.mp3": Track("libmp3lame"),
    "a.mp2": Track("mp2"),
    "a.aac": Track("aac"),
    "a.ac3": Track("ac3", 48_000),
    "a.eac3": Track("eac3", 48_000),
    "a.flac": Track("flac"),
    "a.tta": Track("tta"),
    "a.wv": Track("wavpack"),
    "a.ogg": Track("vorbis", layout="stereo", options={"strict": "-2"}),
    "a.opus": Track("libopus", 48_000),
    "flac.ogg": Track("flac"),
    "a.m4a": Track("aac"),
    "alac.m4a": Track("alac"),
    "a.mov": Track("pcm_s16be"),
    "a.3gp": Track("aac"),
    "a.mp4": Track("libmp3lame"),
    "a.mkv": Track("aac"),
    "pcm.mkv": Track("pcm_s16le"),
    "a.webm": Track("libopus", 48_000),
    "a.avi": Track("libmp3lame"),
    "pcm.avi": Track("pcm_s16le"),
    "a.flv": Track("aac"),
    "a.wma": Track("wmav2", options={"b": "128k"}),
    "a.ts": Track("aac"),
    "a.mpg": Track("mp2"),
    "a.nut": Track("libmp3lame"),
    "a.rm": Track("ac3"),
    "a.g722": Track("g722", 16_000),
    "a.amr": Track("libopencore_amrnb", 8_000),
}
WITH_VIDEO = {"video.mp4": Track("aac"), "video.mkv": Track("aac"), "video.avi": Track("libmp3lame"), "video.ts": Track("aac")}


def originals(folder: Path) -> dict[str, bytes]:
    """The bundled recordings, and a short one in each container and codec that this FFmpeg can write."""
    found = {path.name: path.read_bytes() for path in sorted((ROOT / "examples" / "audio").iterdir()) if _is_media(path)}
    for name, track in (GENERATED | WITH_VIDEO).items():
        try:
            path = encode(folder / name, track, video_seconds=2.0 if name in WITH_VIDEO else 0.0)
        except Exception as error:
            print(f"left out: {name} ({type(error).__name__})")
        else:
            found[name] = path.read_bytes()
    return found


def _is_media(path: Path) -> bool:
    return path.suffix in {".mp3", ".mp4", ".wav", ".m4a", ".ogg"}


class Oracle:
    """Runs one file through the decoder and judges what happens."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._foreign: set[str] = set()
        self._path = Path()

    def judge(self, path: Path, split: bool) -> tuple[str, str]:
        """The kind of outcome, and what is wrong with it; "" if nothing is."""
        self._path, self._foreign = path, set()
        started = time.monotonic()
        kind, finding = self._decode(path, split)
        seconds = time.monotonic() - started
        if seconds > LIMITS.grace_seconds:
            finding = finding or f"took {seconds:.0f} s"
        if self._foreign:
            finding = f"opened {sorted(self._foreign)}"
        left = list(self._decoder.scratch.iterdir())
        if left:
            finding = f"left {left}"
            for entry in left:
                entry.unlink()
        return kind, finding

    def _decode(self, path: Path, split: bool) -> tuple[str, str]:
        try:
            with self._decoder.decode(path, split=split, on_progress=self._look) as waveform:
                self._look(waveform)
                if 0 < waveform.seconds <= LIMITS.max_seconds + 1:
                    return "decoded, damaged" if waveform.damage.damaged else "decoded", ""
                return "decoded", f"a waveform of {waveform.seconds} s"
        except EXPECTED as error:
            return type(error).__name__, ""
        except DecoderFailed as error:
            return _failure(error.message)
        except Exception as error:
            return type(error).__name__, f"raised {error!r}"

    def _look(self, _: Waveform) -> None:
        """Note every open file of the child but the recording, its scratch file and the pipes to its parent."""
        child = self._decoder._child
        if child is None:
            return
        try:
            targets = [str(link.readlink()) for link in Path(f"/proc/{child.pid}/fd").iterdir()]
        except OSError:
            return
        known = re.compile(
            rf"(pipe|socket|anon_inode):.*|{re.escape(str(self._path))}|{re.escape(str(self._decoder.scratch))}/.*"
        )
        self._foreign |= {target for target in targets if not known.fullmatch(target)}


def _failure(message: str) -> tuple[str, str]:
    """DecoderFailed is expected where a limit did its work; a signal, an exit or an exception that we do not know is a finding."""
    if OUT_OF_MEMORY in message:
        return "out of memory", ""
    if "no progress" in message:
        return "hang", message
    if "too slow" in message:
        return "too slow", message
    return ("crash" if "decoder was killed" in message or "exited" in message else "DecoderFailed"), message


def fuzz(seconds: float, seed: int, keep: Path, shared_memory: Path | None) -> int:
    """Fuzz for so long; returns the number of findings."""
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()
    containers: Counter[str] = Counter()
    findings = restarts = 0
    with tempfile.TemporaryDirectory(prefix="fuzz-decoder-", dir=shared_memory) as temporary:
        folder, scratch = Path(temporary), Path(temporary, "scratch")
        scratch.mkdir()
        seeds = originals(folder)
        names = sorted(seeds)
        print(f"{len(names)} originals, seed {seed}", flush=True)
        if os.geteuid():
            print("Only root may look at the child's open files; they are not checked.", flush=True)
        with Decoder(scratch=scratch, limits=LIMITS, fallback=False) as decoder:
            oracle, until, pid = Oracle(decoder), time.monotonic() + seconds, None
            while time.monotonic() < until:
                name = chance.choice(names)
                data, how = mutate(seeds[name], [seeds[chance.choice(names)]], chance)
                path = folder / f"fuzzed{Path(name).suffix}"
                path.write_bytes(data)
                kind, finding = oracle.judge(path, split=chance.random() < 0.2)
                outcomes[kind] += 1
                containers[name] += 1
                now = decoder._child.pid if decoder._child is not None else None
                restarts += pid is not None and now != pid
                pid = now
                if finding:
                    findings += 1
                    _keep(keep, f"{seed}-{sum(outcomes.values())}-{name}", data, f"{kind}: {finding}\n{name}: {', '.join(how)}\n")
                path.unlink()
    _print_counts(outcomes, containers, restarts, findings)
    return findings


def _keep(folder: Path, name: str, data: bytes, why: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    (folder / f"{name}.txt").write_text(why)
    print(f"FINDING {folder / name}: {why.strip()}", flush=True)


def _print_counts(outcomes: Counter[str], containers: Counter[str], restarts: int, findings: int) -> None:
    print(f"{sum(outcomes.values())} mutated files of {len(containers)} originals")
    for kind, count in outcomes.most_common():
        print(f"  {count:8} {kind}")
    print(f"  {restarts:8} times the child was replaced")
    print(f"  {findings:8} findings")


def main() -> int:
    """Parse the command line and fuzz."""
    parser = argparse.ArgumentParser(description="Fuzz the decoder with damaged recordings.")
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", type=Path, default=ROOT / ".fuzz", help="folder for the inputs of findings")
    arguments = parser.parse_args()
    memory = Path("/dev/shm")
    return int(fuzz(arguments.seconds, arguments.seed, arguments.keep, memory if memory.is_dir() else None) > 0)


if __name__ == "__main__":
    sys.exit(main())
