"""Where jobs run: the contract of a backend, which `local`, `runpod` and `openai` keep, and of which the wrappers are made.

A backend is a place: it takes jobs and yields an outcome for each, as they finish. It never writes outputs (`batch` does) and knows
nothing of trying again. `billed`, `retry`, `breaker` and `failover` are backends as well; each holds another one:

    failover(retry(breaker(billed(runpod))), retry(breaker(billed(openai))), local)

**Whose failure is it?** An outcome's `error` says so, and the wrappers go by its class alone:

- `RecordingError`: the recording's own (no audio track, too long, refused by the recognizer). It is final; nobody tries it elsewhere.
- `BackendFailed`: the place's (a job lost, timed out, a worker that crashed, 5xx, no answer). Trying again or elsewhere may help.
- `NotReady`, raised by `check` or `run`: the whole place cannot be used (wrong key, no such endpoint, no worker allowed, no model).
  Outcomes given before stand; jobs that have none were not done.

**What it costs.** Every attempt that may be paid for is told in `Outcome.usage`, failed ones too; wrappers put the attempts of a job
together, in their order. A backend knows no prices: it names its `tariffs`, under which `prices` finds them. `billed` puts them on the
`bill`, which also counts what is under way: `RecordingSent` says that audio is, `RecordingTaken` since when a machine computes on it.

**To add a backend**: write the file, add its line to `registry.BACKENDS`, inherit `tests/backends/suite.py`, document it. Its class is
called with `(spec, settings, emit)`, all of which may be kept; `spec` is the run's own, a job's may differ by what a manifest says. The
constructor reads only these: no file, no network.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Protocol, TypeAlias

from transcribe_cli.events import Emit
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Job
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec

# Asked just before each attempt at a job, in whatever thread makes it. No means that somebody else does it, or that a limit is reached:
# the job has no outcome then. Who said yes to a job says so again when another attempt is made.
ShouldRun: TypeAlias = Callable[[Job], bool]
# Asked all the time while there is work. Once it says so the run ends as if it were closed: what is not done has no outcome.
ShouldStop: TypeAlias = Callable[[], bool]


def never_stop() -> bool:
    """No limit is ever reached."""
    return False


class Backend(Protocol):
    """A place where jobs run."""

    @property
    def name(self) -> str:
        """What `--backend` calls it and what its transcripts say in `job.backend`; a wrapper has the name of what it holds."""
        ...

    @property
    def tariffs(self) -> tuple[str, ...]:
        """What it may charge by: keys of `configs/prices.toml` such as `runpod.ADA_24` or `openai.whisper-1`.

        More than one where the place chooses (an endpoint with several GPU pools); none where nothing is charged, or nobody knows. Known
        after `check`.
        """
        ...

    def check(self, jobs: Sequence[Job]) -> None:
        """Find out, before anything is done or paid, whether the place can do these jobs. Costs a request or two.

        What a job asks for and the place does not honour, without spoiling the result, is told as a `Notice`.

        Raises:
            UsageError: the place cannot do what is asked, such as subtitles where there are no times. `--fallback` passes it over.
            NotReady: the place cannot be used.
        """
        ...

    def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
        """Do the jobs, and yield what became of each, in the order in which they finish. In the thread of whoever iterates.

        Closing the generator stops the work cleanly: what runs elsewhere is cancelled there, unless the user asked to leave it.

        Args:
            jobs: whose decision is TRANSCRIBE or DIARIZE, each once. Taken one at a time, when there is room for one more, by one thread.
            should_run: see `ShouldRun`.
            should_stop: see `ShouldStop`.

        Raises:
            NotReady: the place cannot be used any more.
        """
        ...


# What `registry.BACKENDS` loads.
BackendFactory: TypeAlias = Callable[[JobSpec, Settings, Emit], Backend]
