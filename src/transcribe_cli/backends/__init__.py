"""The contract of a backend, the part that runs jobs. `local`, `runpod`, `openai` and the wrappers implement it.

A backend takes jobs and yields one outcome for each as it finishes. It never writes outputs (`batch` does) and never retries.
`metered`, `retry`, `breaker` and `failover` implement the same contract around other backends:

    failover(retry(breaker(metered(runpod))), retry(breaker(metered(openai))), local)

**Errors.** The class of an outcome's `error` says what failed, and the wrappers act on that class alone:

- `RecordingError`: the recording (no audio track, too long, refused by the recognizer). It is final and not sent to another backend.
- `BackendFailed`: the backend (a job lost, timed out, a worker that crashed, 5xx, no answer). A retry or another backend may help.
- `NotReady`, raised by `check` or `run`: the whole backend is unusable (wrong key, no such endpoint, no workers allowed, no model).
  Outcomes yielded before stay valid; jobs without an outcome were not done.

**Costs.** `Outcome.usage` lists every attempt that may be charged, failed ones included; wrappers join the attempts of a job in order.
A backend knows no prices: it names its `tariffs`, which `prices` looks up. `metered` adds their cost to a `RemoteMeter`, which also counts
running attempts: `RecordingSent` reports that audio was sent, `RecordingTaken` since when a machine computes on it.

**To add a backend**: write the module, add it to `registry.BACKENDS`, subclass `tests/backends/suite.py`, document it. Its class is called
with `(spec, settings, emit)` and may keep all three. `spec` is the run's; a manifest can give a job another one. The constructor only
reads its arguments: no file access, no network.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Protocol, TypeAlias

from transcribe_cli.events import Emit
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Job
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec

# Called just before each attempt at a job, in the thread that makes the attempt. False: another process has the job, or a limit is
# reached; the job then has no outcome. A job that was accepted once is accepted again for its next attempt.
ShouldRun: TypeAlias = Callable[[Job], bool]
# Polled while there is work. True ends the run as if it were closed: unfinished jobs have no outcome.
ShouldStop: TypeAlias = Callable[[], bool]


def never_stop() -> bool:
    """A `ShouldStop` without a limit."""
    return False


class Backend(Protocol):
    """Runs jobs."""

    @property
    def name(self) -> str:
        """The name in `--backend` and in `job.backend` of transcripts; a wrapper has the name of the backend it wraps."""
        ...

    @property
    def tariffs(self) -> tuple[str, ...]:
        """What it may charge by: keys of `configs/prices.toml` such as `runpod.ADA_24` or `openai.whisper-1`.

        Several where the backend chooses one (an endpoint with several GPU pools); empty where nothing is charged or the price is
        unknown. Set by `check`.
        """
        ...

    def check(self, jobs: Sequence[Job]) -> None:
        """Check, before any work or cost, that the backend can run these jobs. Sends a request or two.

        Options that the backend ignores without harm to the result are reported as a `Notice`.

        Raises:
            UsageError: the backend cannot do what is requested, such as subtitles without timestamps. `--fallback` skips it.
            NotReady: the backend is unusable.
        """
        ...

    def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
        """Run the jobs and yield their outcomes in the order in which they finish, in the thread that iterates.

        Closing the generator stops the work cleanly: remote jobs are cancelled, unless the user asked to detach.

        Args:
            jobs: with the decision TRANSCRIBE or DIARIZE, each once. One thread takes them one at a time, when there is capacity.
            should_run: see `ShouldRun`.
            should_stop: see `ShouldStop`.

        Raises:
            NotReady: the backend has become unusable.
        """
        ...


# What `registry.BACKENDS` loads.
BackendFactory: TypeAlias = Callable[[JobSpec, Settings, Emit], Backend]
