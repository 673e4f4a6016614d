"""Make the demo diarizer: synthesize voices, train both networks, estimate the PLDA, write the folder.

Usage, with the extra `diarization` installed: `python tools/train_demo_diarizer.py --out src/transcribe_cli/demo/diarizer`.
docs/demo-diarizer.md has its accuracy; benchmarks/diarization.py measures it.
"""

import argparse
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import torch

from demo_diarizer import embedding, segmentation
from demo_diarizer.clock import Clock
from demo_diarizer.conversations import training_bank
from demo_diarizer.export import write_config, write_network
from demo_diarizer.plda import write_plda


def main() -> None:
    """Run the requested stages."""
    options = _options()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    bank = training_bank(options.sentences)
    seconds = sum(len(said.samples) for all_said in bank.values() for said in all_said) / 16_000
    _tell(f"{len(bank)} speakers, {seconds / 60:.0f} min of speech")
    if "embedding" in options.stages:
        voices = embedding.new_model(list(bank))
        embedding.train(voices, bank, Clock(options.embedding_minutes), random.Random(options.seed + 1), _tell)
        write_network(voices, out / "embedding.safetensors")
        write_plda(out / "plda", voices, bank)
    if "segmentation" in options.stages:
        turns = segmentation.new_model()
        segmentation.train(turns, bank, Clock(options.segmentation_minutes), random.Random(options.seed + 2), _tell)
        write_network(turns, out / "segmentation.safetensors")
    write_config(out)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the pipeline")
    parser.add_argument("--stages", nargs="+", choices=("embedding", "segmentation"), default=["embedding", "segmentation"])
    parser.add_argument("--segmentation-minutes", type=float, default=50, help="CPU minutes for this network")
    parser.add_argument("--embedding-minutes", type=float, default=50, help="CPU minutes for this network")
    parser.add_argument("--sentences", type=int, default=4, help="sentences for each voice")
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and batches")
    return parser.parse_args()


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
