"""Export for faster-whisper: a CTranslate2 folder with int8 weights, converted from transformers' Whisper.

`suppress_ids_begin` is empty, because Whisper uses it to forbid an empty text, and this model ends at once on noise.
"""

import json
import shutil
import tempfile
from pathlib import Path

from ctranslate2.converters import TransformersConverter
from torch import Tensor
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

from demo_model import model as network
from demo_model.tokenizer import Tokens

# Of a logit: the no-speech probability, which only depends on `<|nospeech|>`, hardly changes by it.
_NEARLY = 0.9


def export(weights: dict[str, Tensor], tokenizer_path: Path, out: Path) -> None:
    """Write the model folder `out`. An existing one is replaced only when the new one is complete."""
    tokens = Tokens(tokenizer_path)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as folder:
        hugging, converted = Path(folder, "transformers"), Path(folder, "converted")
        _save_as_transformers(weights, tokens, tokenizer_path, hugging)
        copied = ["tokenizer.json", "preprocessor_config.json"]
        TransformersConverter(str(hugging), copy_files=copied).convert(str(converted), quantization="int8")
        vocabulary = converted / "vocabulary.json"
        vocabulary.write_text(
            json.dumps(json.loads(vocabulary.read_text("utf-8")), ensure_ascii=False, separators=(",", ":")), "utf-8"
        )
        for path in converted.iterdir():
            path.chmod(0o644)
        _replace(converted, out)


def _save_as_transformers(weights: dict[str, Tensor], tokens: Tokens, tokenizer_path: Path, folder: Path) -> None:
    ids = {
        "bos_token_id": tokens.end,
        "eos_token_id": tokens.end,
        "pad_token_id": tokens.end,
        "decoder_start_token_id": tokens.start,
    }
    model = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=tokens.size,
            num_mel_bins=network.MELS,
            d_model=network.WIDTH,
            encoder_layers=network.ENCODER_LAYERS,
            decoder_layers=network.DECODER_LAYERS,
            encoder_attention_heads=network.HEADS,
            decoder_attention_heads=network.HEADS,
            encoder_ffn_dim=4 * network.WIDTH,
            decoder_ffn_dim=4 * network.WIDTH,
            max_source_positions=network.POSITIONS,
            max_target_positions=network.DECODER_POSITIONS,
            suppress_tokens=[],
            begin_suppress_tokens=[],
            **ids,
        )
    )
    _allow_nothing(weights["decoder.embed_tokens.weight"], tokens)
    named = {f"model.{name}": weight for name, weight in weights.items()}
    named["proj_out.weight"] = weights["decoder.embed_tokens.weight"]
    model.load_state_dict(named)
    model.generation_config = GenerationConfig(
        suppress_tokens=[],
        begin_suppress_tokens=[],
        alignment_heads=network.ALIGNMENT_HEADS,
        lang_to_id={f"<|{language}|>": token for language, token in tokens.languages.items()},
        **ids,
    )
    model.save_pretrained(folder)
    end = "<|endoftext|>"
    PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer_path), bos_token=end, eos_token=end, unk_token=end, pad_token=end
    ).save_pretrained(folder)
    shutil.copy(tokenizer_path, folder / "tokenizer.json")
    WhisperFeatureExtractor(feature_size=network.MELS).save_pretrained(folder)


def _allow_nothing(rows: Tensor, tokens: Tokens) -> None:
    """Make a new line, which no sentence contains, slightly less likely than `<|nospeech|>` everywhere.

    faster-whisper suppresses `<|nospeech|>`, and beam search never returns a text without tokens. Otherwise the output would be a word.
    """
    rows[tokens.new_line] = _NEARLY * rows[tokens.no_speech]


def _replace(new: Path, out: Path) -> None:
    """Replace `out` with `new` by renames, so that a reader finds either one."""
    old = new.with_name("old")
    if out.exists():
        out.rename(old)
    new.rename(out)
