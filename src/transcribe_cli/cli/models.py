"""`transcribe models`: what is on this machine, and fetching before the night run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ModelDir = Annotated[
    Path | None, typer.Option("--model-dir", metavar="PATH", help="Where models are cached, if not in the usual place.")
]
Name = Annotated[
    str, typer.Argument(metavar="MODEL", help="A faster-whisper name (small, large-v3-turbo, …), or a hub repository.")
]

app = typer.Typer(help="See and fetch models.", no_args_is_help=True)


@app.command("list")
def list_models(model_dir: ModelDir = None) -> None:
    """The models on this machine, with size and folder; then the names that can be fetched."""
    from transcribe_cli.recognition.engines import models

    found = list(models.cached(model_dir))
    for model in found:
        typer.echo(f"{model.name:<24} {model.size / 1e6:>8,.0f} MB  {model.folder}")
    here = {model.name for model in found}
    typer.echo(f"Can be fetched: {', '.join(name for name in models.names() if name not in here)}.", err=True)


@app.command()
def pull(name: Name, model_dir: ModelDir = None) -> None:
    """Fetch a model from the hub into the cache, so that `run` needs no network; a broken-off download is completed.

    transcribe models pull large-v3-turbo
    """
    from transcribe_cli.recognition.engines import models

    typer.echo(models.pull(name, model_dir))


@app.command()
def path(name: Name, model_dir: ModelDir = None) -> None:
    """The folder of a model that is on this machine; never asks the hub."""
    from transcribe_cli.recognition.engines import models

    typer.echo(models.locate(name, model_dir, offline=True))
