"""The command line program: its commands (one module each), its exit codes, and the one place where errors are caught.

Exit codes: 0 done · 1 unexpected error · 2 usage or configuration · 3 some recordings have no transcript, or subtitles violate a rule
· 4 the machine is not ready · 5 stopped by a limit · 6 the rest is in progress elsewhere · 130 interrupted · 143 terminated.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from transcribe_cli import __version__
from transcribe_cli.cli import (
    config,
    correct,
    doctor,
    lint,
    models,
    plan,
    remote,
    render,
    report,
    run,
    score,
    speakers,
    status,
    worker,
)
from transcribe_cli.cli.arguments import normalize_arguments
from transcribe_cli.cli.debug import format_traceback, is_debugging, log_to_stderr
from transcribe_cli.cli.signals import EXIT_CODES, leave, unwind_on_signals
from transcribe_cli.cli.streams import mute_stdout, prepare_streams, stdout_error
from transcribe_cli.errors import TranscribeError
from transcribe_cli.interrupts import unwrap_interrupts
from transcribe_cli.text.printable import printable

EPILOG = (
    "Exit codes: 0 done, 2 usage, 3 some recordings failed, 4 the machine is not ready, 5 stopped by a limit, "
    "6 the rest is in progress elsewhere, 130 interrupted. See docs/scripting.md."
)

app = typer.Typer(
    name="transcribe",
    help="Transcribe folders of recordings. An interrupted run resumes where it stopped.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("remote")(remote.remote)
app.command("plan")(plan.plan)
app.command("status")(status.status)
app.command("render")(render.render)
app.command("correct")(correct.correct)
app.command("lint")(lint.lint)
app.command("report")(report.report)
app.command("score")(score.score)
app.command("doctor")(doctor.doctor)
app.command("worker")(worker.worker)
app.add_typer(models.app, name="models")
app.add_typer(speakers.app, name="speakers")
app.add_typer(config.app, name="config")


def _show_version(requested: bool) -> None:
    if requested:
        typer.echo(f"transcribe-cli {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Options of the program itself."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of `transcribe`: run a command and exit with its code."""
    prepare_streams()
    if is_debugging():
        log_to_stderr()
    unwind_on_signals()
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    leave(code)


def _run(arguments: Sequence[str]) -> int:
    """Run a command; turn every way it can end into an exit code and at most one line."""
    try:
        with unwrap_interrupts():
            code = app(args=normalize_arguments(arguments), prog_name="transcribe", standalone_mode=False)
    except TranscribeError as error:
        return _exit_with(error, str(error), error.exit_code)
    except TyperException as error:
        # The message is empty when Typer has shown the help because there were no arguments.
        message = error.format_message().strip()
        return _exit_with(error, f"{message} Try `transcribe --help`." if message else "", error.exit_code)
    except KeyboardInterrupt as error:
        return _exit_with(error, "Interrupted.", EXIT_CODES[signal.SIGINT])
    except SystemExit as stop:
        if not isinstance(stop.__context__, BrokenPipeError):  # Typer turns it into exit code 1
            raise
        mute_stdout()
        return 0
    except Exception as error:
        if (failed := stdout_error()) is not None:
            return _exit_without_output(failed)
        return _exit_with(
            error, f"Unexpected {type(error).__name__}: {error}. Please report it. TRANSCRIBE_DEBUG=1 shows the traceback.", 1
        )
    if (failed := stdout_error()) is not None:
        return _exit_without_output(failed)
    return code if isinstance(code, int) else 0


def _exit_without_output(error: OSError) -> int:
    """The exit code when stdout has failed: 0 after its reader has gone (`| head`), otherwise 1, because what was asked for is missing."""
    mute_stdout()  # the interpreter would flush it again at exit
    if isinstance(error, BrokenPipeError):
        return 0
    return _exit_with(error, f"Standard output cannot be written ({error.strerror}).", 1)


def _exit_with(error: BaseException, line: str, code: int) -> int:
    if is_debugging():
        sys.stderr.write(f"{format_traceback(error)}\n")
    if line:
        sys.stderr.write(f"transcribe: {printable(line)}\n")
    return code
