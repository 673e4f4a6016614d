"""`transcribe models`: list the models on this machine, and download more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ModelDir = Annotated[
    Path | None, typer.Option("--model-dir", metavar="PATH", help="Folder of the model cache. Default: the Hugging Face cache.")
]
Name = Annotated[
    str, typer.Argument(metavar="MODEL", help="A faster-whisper model (small, large-v3-turbo, …) or a Hugging Face repository.")
]

app = typer.Typer(help="List and download models.", no_args_is_help=True)


@app.command("list")
def list_models(model_dir: ModelDir = None) -> None:
    """List the models on this machine, and the names of others that can be downloaded."""
    from transcribe_cli.recognition.engines import models

    installed = list(models.cached(model_dir))
    for model in installed:
        remark = "  (demonstration: only for the examples)" if model.name == models.DEMO else ""
        typer.echo(f"{model.name:<24} {model.size / 1e6:>8,.0f} MB  {model.folder}{remark}")
    installed_names = {model.name for model in installed}
    typer.echo(f"Available for download: {', '.join(name for name in models.names() if name not in installed_names)}.", err=True)


@app.command()
def pull(name: Name, model_dir: ModelDir = None) -> None:
    """Download a model into the cache, so that `run` needs no network.

    An interrupted download resumes.

    transcribe models pull large-v3-turbo
    """
    from transcribe_cli.recognition.engines import models

    typer.echo(models.pull(name, model_dir))


@app.command()
def path(name: Name, model_dir: ModelDir = None) -> None:
    """Print the folder of a model on this machine. Needs no network."""
    from transcribe_cli.recognition.engines import models

    typer.echo(models.locate(name, model_dir, offline=True))
