"""pyannote.audio is loaded without telemetry, without printing to standard output, and without CUDA."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from tests.cli.test_interrupt import wait_until
from tests.conftest import environment
from tests.speakers.diarizers.checkpoints import write_pipeline
from tests.speakers.diarizers.recording_proxy import Proxy
from transcribe_cli.errors import MissingExtra
from transcribe_cli.speakers.diarizers import loading, torchaudio_stub
from transcribe_cli.speakers.diarizers.pyannote import PyannoteDiarizer

DIARIZE = """
import sys
from pathlib import Path
import numpy as np
from transcribe_cli.audio import Waveform
from transcribe_cli.speakers.diarizers.pyannote import PyannoteDiarizer
from transcribe_cli.spec import JobSpec
assert "torch" not in sys.modules
diarizer = PyannoteDiarizer.load("demo", device="cpu")
tone = np.sin(np.arange(32_000) / 20) / 4
with Waveform.from_samples(tone, Path(sys.argv[1])) as waveform:
    diarizer.diarize(waveform, JobSpec(diarize=True, num_speakers=2), lambda share: None)
print("done")
"""
# The same without our code: proves that the test would detect telemetry.
PLAIN = """
import sys, time
import transcribe_cli.speakers.diarizers.torchaudio_stub as stub
stub.install_if_needed()
import torch
from pyannote.audio import Pipeline
Pipeline.from_pretrained(sys.argv[1])({"waveform": torch.zeros(1, 32_000), "sample_rate": 16_000})
time.sleep(60)
"""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as server:
        yield server


def python(code: str, folder: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, str(folder)]
    return subprocess.run(command, env=environment(variables), cwd=folder, capture_output=True, text=True)


def test_no_telemetry_is_sent_and_nothing_is_printed(proxy: Proxy, tmp_path: Path) -> None:
    # Even if the variable enables telemetry.
    ran = python(DIARIZE, tmp_path, proxy.variables | {loading.TELEMETRY_VARIABLE: "1"})
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "done\n", "")
    assert proxy.requests == []


def test_the_library_alone_sends_telemetry(proxy: Proxy, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PLAIN, str(write_pipeline(tmp_path / "pipeline"))]
    # Loading a pipeline in this process also disabled it for child processes.
    with subprocess.Popen(command, env=environment(proxy.variables | {loading.TELEMETRY_VARIABLE: "1"}), cwd=tmp_path) as process:
        wait_until(lambda: any("pyannote" in request for request in proxy.requests), seconds=60.0)
        process.kill()


def test_the_telemetry_of_the_library_is_off_in_this_process(demo: PyannoteDiarizer) -> None:
    from pyannote.audio.telemetry.metrics import is_metrics_enabled

    assert not is_metrics_enabled()
    assert os.environ[loading.TELEMETRY_VARIABLE] == "0"


def test_an_import_error_is_reported_as_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> ModuleType:
        raise OSError("libsomething.so.13: cannot open shared object file")

    monkeypatch.setattr(loading.importlib, "import_module", broken)
    with pytest.raises(MissingExtra, match=r"cannot be imported \(libsomething\.so\.13") as caught:
        loading.import_pyannote()
    assert "pip install" in caught.value.hint


STUBBED = """
import sys, types, importlib.abc, importlib.machinery

class CudaBuild(importlib.abc.MetaPathFinder):
    "torchaudio's compiled extension as on PyPI: it needs a CUDA runtime, which is missing."
    def find_spec(self, name, path, target=None):
        if name == "torchaudio._extension":
            raise OSError("libcudart.so.13: cannot open shared object file: No such file or directory")

sys.meta_path.insert(0, CudaBuild())
from transcribe_cli.speakers.diarizers import torchaudio_stub
print(torchaudio_stub.install_if_needed(), torchaudio_stub.install_if_needed())
import torch, torchaudio
from torchaudio.transforms import Resample
import torchaudio.compliance.kaldi as kaldi
print(tuple(Resample(8000, 16000)(torch.zeros(1, 800)).shape), tuple(kaldi.fbank(torch.randn(1, 16000), num_mel_bins=80).shape))
import pyannote.audio
try:
    torchaudio.functional.forced_align(torch.zeros(1, 5, 3), torch.ones(1, 2, dtype=torch.int32))
except RuntimeError as error:
    print(error)
"""


@pytest.mark.skipif(find_spec("torch") is None, reason="needs the extra diarization")
def test_torchaudio_works_without_its_compiled_extension(tmp_path: Path) -> None:
    import torch

    if torch.version.cuda:
        pytest.skip("a CUDA build of PyTorch loads it")
    ran = python(STUBBED, tmp_path, {loading.TELEMETRY_VARIABLE: "0"})
    lines = ran.stdout.splitlines()
    assert lines[:2] == ["True False", "(1, 1600) (98, 80)"], ran.stderr
    assert "needs torchaudio's compiled extension" in lines[2]


def test_a_working_torchaudio_is_not_replaced(demo: PyannoteDiarizer) -> None:
    import torchaudio

    assert not torchaudio_stub.install_if_needed()
    assert torchaudio.__name__ in sys.modules
