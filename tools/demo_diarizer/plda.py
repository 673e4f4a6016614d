"""A PLDA in closed form, in the two files that pyannote.audio reads, for VBx clustering.

The meaning of the arrays: https://github.com/pyannote/pyannote-audio/blob/4.0.7/src/pyannote/audio/utils/vbx.py.
"""

import random
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.linalg import eigh

from demo_diarizer.conversations import LEVEL, Bank, level
from demo_model.speech import SAMPLE_RATE
from transcribe_cli.speakers.diarizers.demo_models import DemoEmbedding

Vectors = npt.NDArray[np.float64]
_DIMENSION = 32
_FLOOR = 1e-3


def write_plda(folder: Path, model: DemoEmbedding, bank: Bank) -> None:
    """Estimate the PLDA from embeddings of the bank: center, normalize length, LDA, normalize again, then the two covariances."""
    vectors, speakers = _embeddings(model, bank)
    mean = vectors.mean(0)
    centred = _on_sphere(vectors - mean)
    within, between = _covariances(centred, speakers)
    ridge = _FLOOR * np.trace(within) / len(within) * np.eye(len(within))
    lda = eigh(between, within + ridge)[1][:, ::-1][:, :_DIMENSION]
    projected = centred @ lda
    mean_projected = projected.mean(0)
    final = _on_sphere(projected - mean_projected)
    within, between = _covariances(final, speakers)
    # With x -> transform @ (x - mean), voices spread by the identity within and by diag(spread) between speakers.
    spread, transform = eigh(between + 1e-6 * np.eye(_DIMENSION), within + 1e-6 * np.eye(_DIMENSION))
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "xvec_transform.npz", mean1=mean, mean2=mean_projected, lda=lda)
    np.savez(folder / "plda.npz", mu=final.mean(0), tr=transform[:, ::-1].T, psi=spread[::-1])


def _embeddings(model: DemoEmbedding, bank: Bank) -> tuple[Vectors, npt.NDArray[np.int64]]:
    """Embeddings (utterances, dimension) of 1 to 3 s of each utterance, and their speakers."""
    rng = random.Random(5)
    noise = np.random.default_rng(5)
    vectors, speakers = [], []
    with torch.inference_mode():
        for number, said in enumerate(bank.values()):
            for utterance in said:
                samples = level(utterance.samples[: int(rng.uniform(1, 3) * SAMPLE_RATE)])
                samples = samples + noise.standard_normal(len(samples)).astype(np.float32) * np.float32(LEVEL / 30)
                vectors.append(model(torch.from_numpy(samples)[None, None])[0].double().numpy())
                speakers.append(number)
    return np.array(vectors), np.array(speakers)


def _covariances(vectors: Vectors, speakers: npt.NDArray[np.int64]) -> tuple[Vectors, Vectors]:
    """The covariances within and between speakers, each (dimension, dimension)."""
    size = vectors.shape[1]
    within, between = np.zeros((size, size)), np.zeros((size, size))
    middle = vectors.mean(0)
    for speaker in np.unique(speakers):
        own = vectors[speakers == speaker]
        within += np.cov(own.T, bias=True) * len(own)
        offset = own.mean(0) - middle
        between += np.outer(offset, offset) * len(own)
    return within / len(vectors), between / len(vectors)


def _on_sphere(vectors: Vectors) -> Vectors:
    """The vectors, scaled to the length of a vector of ones."""
    scaled: Vectors = np.sqrt(vectors.shape[1]) * vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled
