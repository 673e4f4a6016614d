"""The schema of the ledger: runs, their jobs, and the attempts of each job. Timestamps are UTC, costs USD, durations seconds.

A job is a recording that a run processed; recordings that were already done have no row. A job has several attempts if the recording
changed while it was read, or if a backend failed and the job was retried or moved to another one. What backends that charge report about an
attempt has its own columns.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

# One row: the version to which `migrations` upgraded the ledger.
SCHEMA = Table("ledger_schema", MetaData(), Column("version", Integer, nullable=False))

METADATA = MetaData()

RUNS = Table(
    "runs",
    METADATA,
    Column("id", String(32), primary_key=True, comment="random"),
    Column("started_at", DateTime, nullable=False, index=True),
    Column("finished_at", DateTime, comment="null while the run is in progress, or if it was killed"),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("tool", Text, nullable=False, comment="transcribe-cli X.Y.Z"),
    Column("backend", Text, nullable=False),
    Column("sources", Text, nullable=False, comment="as the user wrote them, a JSON list"),
    Column("model", Text, nullable=False),
    Column("beam_size", Integer, nullable=False),
    Column("sequential", Boolean, nullable=False),
    Column("diarize", Boolean, nullable=False),
    Column("device", Text, comment="such as cpu/int8; null if no model was loaded"),
    Column("load_seconds", Float, comment="until the model was loaded"),
    Column("recordings", Integer, nullable=False, default=0),
    Column("transcribed", Integer, nullable=False, default=0),
    Column("diarized", Integer, nullable=False, default=0),
    Column("rendered", Integer, nullable=False, default=0),
    Column("skipped", Integer, nullable=False, default=0),
    Column("failed", Integer, nullable=False, default=0),
    Column("elsewhere", Integer, nullable=False, default=0, comment="still in progress in other runs"),
    Column("not_tried", Integer, nullable=False, default=0),
    Column("audio_seconds", Float, nullable=False, default=0.0, comment="audio transcribed or diarized"),
    Column("seconds", Float, comment="from start to end"),
    Column("cost", Float, comment="null if the price is not known"),
    Column("exit_code", Integer),
    Column("stopped_by", Text),
)

JOBS = Table(
    "jobs",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("run_id", String(32), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("recording", Text, nullable=False, comment="its path relative to the source folder"),
    Column("uri", Text, nullable=False, comment="without credentials and query"),
    Column("state", Text, nullable=False, comment="begun, done, diarized, rendered or failed"),
    Column("started_at", DateTime, nullable=False),
    Column("finished_at", DateTime),
    Column("audio_seconds", Float),
    Column("seconds", Float, comment="time spent on the recording"),
    Column("cost", Float),
    Column("language", Text),
    Column("words", Integer),
    Column("speakers", Integer),
    Column("error_code", Text),
    Column("error", Text),
    # since version 3
    Column("verdict", Text, comment="good, check or bad; null without a transcript, and in earlier versions"),
    Column("reasons", Text, comment="of the verdict, a JSON list"),
)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("job_id", Integer, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("number", Integer, nullable=False, comment="counts from 1"),
    Column("backend", Text, nullable=False),
    Column("started_at", DateTime, nullable=False),
    Column("finished_at", DateTime),
    Column("seconds", Float, comment="time spent on the attempt; on a remote backend from start to end"),
    Column("cost", Float, comment="null if not known"),
    Column("error_code", Text, comment="cancelled if the run ended before the attempt"),
    Column("error", Text),
    # since version 2; null on this machine
    Column("place", Text, comment="endpoint or server"),
    Column("job", Text, comment="the backend's id of the attempt"),
    Column("computing", Float, comment="compute time, as reported by the backend or as observed; null if not known"),
    Column("queued", Float, comment="time in the backend's queue"),
    Column("audio_seconds", Float, comment="audio sent"),
    Column("bytes_sent", BigInteger, comment="by this machine"),
    Column("perhaps_again", Boolean, comment="an earlier attempt, whose result is not known, may be charged too"),
)

# The speed of a machine is queried before each run.
Index("runs_by_speed", RUNS.c.model, RUNS.c.host, RUNS.c.started_at)
