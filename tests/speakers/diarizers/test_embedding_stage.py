"""One pass of the embedding network per chunk gives the same result as one pass per chunk and speaker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.speakers.diarizers.conftest import held_out
from transcribe_cli.speakers.diarizers import embedding_stage, loading, pipeline_files
from transcribe_cli.speakers.diarizers.pyannote import PyannoteDiarizer

# None: use the parameters of the demo pipeline.
CLUSTERINGS = {"AgglomerativeClustering": {"method": "centroid", "min_cluster_size": 6, "threshold": 0.8}, "VBxClustering": None}


@pytest.fixture(params=CLUSTERINGS)
def pipelines(request: pytest.FixtureRequest, demo: PyannoteDiarizer) -> tuple[Any, Any]:
    """The same pipeline twice: unmodified, and with the stage replaced."""
    located = pipeline_files.locate("demo")
    located.config["pipeline"]["params"]["clustering"] = request.param
    if (parameters := CLUSTERINGS[request.param]) is not None:
        located.config["params"]["clustering"] = parameters
    replaced = loading.load(located, "demo", "cpu", 0)
    stock = loading.load(located, "demo", "cpu", 0)
    del stock.get_embeddings
    return stock, replaced


def conversations() -> Iterator[np.ndarray]:
    """Two voices with silence between, and four voices."""
    talk = held_out(2, 60, 0).samples
    yield np.concatenate([talk[:200_000], np.zeros(240_000, np.float32), talk[200_000:400_000]])
    yield held_out(4, 60, 0).samples[:480_000]


def test_turns_and_embeddings_are_the_same(pipelines: tuple[Any, Any]) -> None:
    import torch

    stock, replaced = pipelines
    for samples in conversations():
        file = {"waveform": torch.from_numpy(samples)[None], "sample_rate": 16_000, "uri": "x"}
        one, other = stock(dict(file)), replaced(dict(file))
        assert one.serialize() == other.serialize()
        assert one.serialize()["diarization"] != []
        assert np.allclose(one.speaker_embeddings, other.speaker_embeddings, atol=1e-5)


def test_the_network_runs_for_a_third_of_the_work(demo: PyannoteDiarizer) -> None:
    import torch

    pipeline = demo._pipeline
    passes: list[int] = []
    hook = pipeline._embedding.model_.tdnn.register_forward_hook(lambda module, given, made: passes.append(len(made)))
    silence = np.zeros(480_000, np.float32)
    samples = np.concatenate([held_out(2, 60, 0).samples[:200_000], silence])
    file = {"waveform": torch.from_numpy(samples)[None], "sample_rate": 16_000, "uri": "x"}
    try:
        pipeline(dict(file))
        ours = sum(passes)
        passes.clear()
        kept = pipeline.__dict__.pop("get_embeddings")
        pipeline(dict(file))
        theirs = sum(passes)
    finally:
        pipeline.get_embeddings = kept
        hook.remove()
    # A third because of three local speakers, and less because of silent chunks.
    assert ours * 4 < theirs


def test_the_stage_of_an_unsupported_network_is_not_replaced(demo: PyannoteDiarizer, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = loading.load(pipeline_files.locate("demo"), "demo", "cpu", 0)
    del pipeline.get_embeddings
    stage = pipeline.get_embeddings
    with monkeypatch.context() as patch:
        patch.setattr(embedding_stage, "version", lambda name: "4.1.0")
        assert not embedding_stage.install(pipeline)
    with monkeypatch.context() as patch:
        # A network that uses the first mask for all speakers.
        forward = pipeline._embedding.model_.pool.forward

        def first(frames: Any, weights: Any = None) -> Any:
            return forward(frames, weights=weights[:, :1].expand_as(weights) if weights.dim() == 3 else weights)

        patch.setattr(pipeline._embedding.model_.pool, "forward", first)
        assert not embedding_stage.install(pipeline)
    assert pipeline.get_embeddings == stage
    assert embedding_stage.install(pipeline)
