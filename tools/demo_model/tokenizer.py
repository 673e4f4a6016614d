"""The demo model's tokenizer: a small byte-level BPE followed by Whisper's special tokens in Whisper's order.

CTranslate2 treats a model as multilingual only if its vocabulary contains the empty token. faster-whisper looks up every special
id in the tokenizer, so the vocabulary can be much smaller than Whisper's 51,865, which makes steps faster.
Order of the special tokens: https://github.com/openai/whisper/blob/main/whisper/tokenizer.py.
"""

import json
import random
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from demo_model.corpus import LANGUAGES, sentence

TIME_STEP = 0.02  # seconds between timestamp tokens
TIMESTAMPS = 1501  # 0.00 to 30.00

_MERGES = 1000
_SENTENCES = {"pt": 4000, "en": 2500, "es": 2000}
_LANGUAGE_CODES = (
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml "
    "cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am "
    "yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su"
)
_TASKS = ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]


def build_tokenizer(path: Path) -> None:
    """Train the merges on sentences of the corpus and write `tokenizer.json`; the same file every time."""
    rng = random.Random(1)
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=256 + _MERGES, initial_alphabet=alphabet, min_frequency=2, show_progress=False)
    texts = [" " + sentence(language, rng) for language, count in _SENTENCES.items() for _ in range(count)]
    # faster-whisper suppresses the first token of " -" and " '": each must be a single token, otherwise it suppresses the space.
    bpe.train_from_iterator([*texts, *[" - '"] * 50], trainer)
    document = json.loads(bpe.to_str())
    vocabulary = document["model"]["vocab"]
    vocabulary[""] = len(vocabulary)
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in _LANGUAGE_CODES.split()), *_TASKS]
    stamps = [f"<|{step * TIME_STEP:.2f}|>" for step in range(TIMESTAMPS)]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    document["added_tokens"] = [
        {"id": len(vocabulary) + position, "content": token, **flags, "special": position < len(special)}
        for position, token in enumerate([*special, *stamps])
    ]
    path.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


class Tokens:
    """The token ids for training."""

    def __init__(self, path: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(path))
        self.size: int = self._tokenizer.get_vocab_size()
        self.end = self.id_of("<|endoftext|>")
        self.start = self.id_of("<|startoftranscript|>")
        self.languages = {language: self.id_of(f"<|{language}|>") for language in LANGUAGES}
        self.transcribe = self.id_of("<|transcribe|>")
        self.previous = self.id_of("<|startofprev|>")
        self.new_line = self.id_of("Ċ")  # as byte-level BPE writes it
        self.no_speech = self.id_of("<|nospeech|>")
        self.no_timestamps = self.id_of("<|notimestamps|>")
        self.first_stamp = self.id_of("<|0.00|>")

    def id_of(self, token: str) -> int:
        """The id of a token that must exist."""
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise KeyError(token)
        return int(found)

    def stamp(self, seconds: float) -> int:
        """The timestamp token nearest to a time within the window."""
        return self.first_stamp + min(TIMESTAMPS - 1, max(0, round(seconds / TIME_STEP)))

    def words(self, text: str) -> list[list[int]]:
        """The ids of each word of a sentence; joined, they are the ids of the sentence after a space."""
        return [self._tokenizer.encode(" " + word, add_special_tokens=False).ids for word in text.split()]
