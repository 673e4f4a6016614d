"""`python -m benchmarks.real`: compares contenders on a corpus of real recordings; README.md describes the figures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import cores
from benchmarks.real.contenders import NAMES, Contender, Setting, Unavailable, contender, variant
from benchmarks.real.corpus import BadCorpus, Recording, Selection, load
from benchmarks.real.figures import figures, with_digits
from benchmarks.real.intervals import difference
from benchmarks.real.measuring import ERRORS, Plan, run_group
from benchmarks.real.tables import command, group_table, overview, title
from benchmarks.report import FOLDER, Table, keep


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real", description=__doc__)
    add = parser.add_argument
    add("--corpus", type=Path, action="append", required=True, metavar="DIR", help="folder with manifest.jsonl; may be repeated")
    add("--model", type=Path, required=True, metavar="DIR", help="folder of a CTranslate2 model")
    add("--contenders", type=_words, default=NAMES, metavar="A,B", help=f"default: all of {', '.join(NAMES)}")
    add("--ours", type=_variant, action="append", default=[], metavar="'NAME: FLAGS'", help="ours with other flags; repeatable")
    add("--only", action="append", default=[], metavar="GLOB", help="recordings whose uri matches; repeatable")
    add("--kind", type=_words, default=(), metavar="A,B", help="kinds of recordings")
    add("--language", type=_words, default=(), metavar="A,B", help="languages of recordings, as in the manifest")
    add("--sample", type=int, default=0, metavar="N", help="at most N recordings of each group, always the same ones")
    add("--detect-language", action="store_true", help="let contenders detect the language instead of giving the manifest's")
    add("--assume", metavar="CODE", help="language to give for recordings without speech or in several languages; default: none")
    add(
        "--diarize",
        nargs="?",
        const="demo",
        default="",
        metavar="MODEL",
        help="ours with speakers, for DER and cpWER; default: demo",
    )
    add("--repeats", type=int, default=1)
    add("--device", default="cpu", choices=("cpu", "cuda"))
    add("--compute-type", default="int8")
    add("--threads", type=int, default=cores())
    add("--peers-venv", type=Path, metavar="DIR", help="virtual environment with whisper-ctranslate2, whisper or whisperx")
    add("--whisper-model", type=Path, metavar="FILE", help="weights (.pt) of the same model for openai/whisper")
    add("--keep", type=Path, metavar="DIR", help="keep transcripts and the errors of each recording here")
    add("--results", type=Path, default=FOLDER, metavar="DIR", help="folder for the tables")
    add("--no-results", action="store_true", help="only print the tables")
    parsed = parser.parse_args(given)
    if unknown := [name for name in parsed.contenders if name not in NAMES]:
        parser.error(f"unknown contenders: {', '.join(unknown)}; choose from {', '.join(NAMES)}, or use --ours")
    if not (parsed.model / "model.bin").is_file():
        parser.error(f"{parsed.model} is not the folder of a CTranslate2 model (no model.bin)")
    if min(parsed.repeats, parsed.threads) < 1 or parsed.sample < 0:
        parser.error("--repeats and --threads must be at least 1, --sample at least 0")
    return parsed


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _variant(text: str) -> tuple[str, tuple[str, ...]]:
    try:
        return variant(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main(given: Sequence[str] = sys.argv[1:]) -> int:
    """Measure every selected group, print the tables, and store them. Returns the exit code."""
    options = _arguments(given)
    selection = Selection(tuple(options.only), options.kind, options.language, options.sample)
    try:
        groups = selection.groups(load(options.corpus))
    except BadCorpus as error:
        print(error, file=sys.stderr)
        return 2
    contenders, absent = _contenders(options)
    if not groups or not contenders:
        print(*(absent if groups else ["No recording matches the selection."]), sep="\n", file=sys.stderr)
        return 2
    if options.keep:
        (options.keep / ERRORS).unlink(missing_ok=True)
    plan = Plan(contenders, options.repeats, options.detect_language, options.assume, options.keep)
    found: dict[str, Mapping[str, Any]] = {}
    for name, recordings in groups.items():
        table = _group_table(name, recordings, plan, options, absent)
        _tell(table, given, options)
        found[name] = table.figures
    if len(found) > 1:
        everything = [recording for recordings in groups.values() for recording in recordings]
        failed = [f"{name}: failed" for name in contenders if any(name not in figures for figures in found.values())]
        table = overview(_key("all", options), _title("all groups", everything, options), found, [*failed, *absent])
        _tell(table, given, options)
    return 0 if all(found.values()) else 1


def _contenders(options: argparse.Namespace) -> tuple[dict[str, Contender], list[str]]:
    """The contenders that can run here, and why others cannot."""
    setting = Setting(
        options.model.resolve(),
        options.device,
        options.compute_type,
        options.threads,
        options.diarize,
        options.whisper_model and options.whisper_model.resolve(),
        options.peers_venv and options.peers_venv.absolute(),
    )
    variants = dict(options.ours)
    found, absent = {}, []
    for name in dict.fromkeys([*options.contenders, *variants]):
        try:
            found[name] = contender(name, setting, variants)
        except Unavailable as error:
            absent.append(str(error))
    return found, absent


def _group_table(name: str, recordings: list[Recording], plan: Plan, options: argparse.Namespace, absent: Sequence[str]) -> Table:
    rounds = run_group(recordings, plan)
    digits = with_digits(rounds.values())
    ran = {key: item for key, item in rounds.items() if not item.problem}
    base = next((item.measures for item in ran.values()), [])
    found = {
        key: figures(item, recordings, digits) | {"from_first": difference(base, item.measures, digits)}
        for key, item in ran.items()
    }
    problems = [item.problem for item in rounds.values() if item.problem]
    return group_table(_key(name, options), _title(name, recordings, options), found, [*problems, *absent])


def _key(name: str, options: argparse.Namespace) -> str:
    """The same measurement on the same day replaces the table."""
    parts = [name, options.model.name, options.device, options.compute_type, *options.only]
    parts += [f"sample {options.sample}"] if options.sample else []
    parts += [f"assumed {options.assume}"] if options.assume else []
    return " ".join([*parts, *(["detected"] if options.detect_language else []), *(["diarized"] if options.diarize else [])])


def _title(name: str, recordings: Sequence[Recording], options: argparse.Namespace) -> str:
    asked = [f"{options.device}/{options.compute_type}", f"{options.threads} threads"]
    asked += [f"at most {options.sample} of a group"] if options.sample else []
    asked += ["language detected"] if options.detect_language else []
    asked += [f"{options.assume} assumed"] if options.assume else []
    asked += [f"speakers by {Path(options.diarize).name}"] if options.diarize else []
    return title(name, len(recordings), sum(item.seconds for item in recordings), options.model, ", ".join(asked))


def _tell(table: Table, given: Sequence[str], options: argparse.Namespace) -> None:
    table.notes.append(f"`{command(given)}`")
    print(f"{table.markdown()}", flush=True)
    if not options.no_results:
        keep(table, options.results, "real-")


if __name__ == "__main__":
    sys.exit(main())
