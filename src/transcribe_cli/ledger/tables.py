"""What the ledger keeps: runs, the jobs of each, the attempts of each job. Times are UTC, money is USD, the rest seconds.

A job is a recording that a run worked on; what was done already has no row. An attempt is one time that somebody began with it: a
recording that changed while it was read begins anew, a place that failed leaves it to another. What places that may be paid say of an
attempt stands in columns of its own.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

# One row: how far `migrations` has come.
SCHEMA = Table("ledger_schema", MetaData(), Column("version", Integer, nullable=False))

METADATA = MetaData()

RUNS = Table(
    "runs",
    METADATA,
    Column("id", String(32), primary_key=True, comment="random"),
    Column("started_at", DateTime, nullable=False, index=True),
    Column("finished_at", DateTime, comment="null while it runs, and for ever when it was killed"),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("tool", Text, nullable=False, comment="transcribe-cli X.Y.Z"),
    Column("backend", Text, nullable=False),
    Column("sources", Text, nullable=False, comment="as they were named, a JSON list"),
    Column("model", Text, nullable=False),
    Column("beam_size", Integer, nullable=False),
    Column("sequential", Boolean, nullable=False),
    Column("diarize", Boolean, nullable=False),
    Column("device", Text, comment="such as cpu/int8; null when no model was loaded"),
    Column("load_seconds", Float, comment="until the model was loaded"),
    Column("recordings", Integer, nullable=False, default=0),
    Column("transcribed", Integer, nullable=False, default=0),
    Column("diarized", Integer, nullable=False, default=0),
    Column("rendered", Integer, nullable=False, default=0),
    Column("skipped", Integer, nullable=False, default=0),
    Column("failed", Integer, nullable=False, default=0),
    Column("elsewhere", Integer, nullable=False, default=0, comment="that other runs were still at"),
    Column("not_tried", Integer, nullable=False, default=0),
    Column("audio_seconds", Float, nullable=False, default=0.0, comment="of what was transcribed or diarized"),
    Column("seconds", Float, comment="from its beginning to its end"),
    Column("cost", Float, comment="null where nobody said what the place costs"),
    Column("exit_code", Integer),
    Column("stopped_by", Text),
)

JOBS = Table(
    "jobs",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("run_id", String(32), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("recording", Text, nullable=False, comment="its path below the folder that was named"),
    Column("uri", Text, nullable=False, comment="without credentials and query"),
    Column("state", Text, nullable=False, comment="begun, done, diarized, rendered or failed"),
    Column("started_at", DateTime, nullable=False),
    Column("finished_at", DateTime),
    Column("audio_seconds", Float),
    Column("seconds", Float, comment="that were spent on it"),
    Column("cost", Float),
    Column("language", Text),
    Column("words", Integer),
    Column("speakers", Integer),
    Column("error_code", Text),
    Column("error", Text),
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
    Column("seconds", Float, comment="that were spent on it; elsewhere from its beginning to its end"),
    Column("cost", Float, comment="null where nobody knows"),
    Column("error_code", Text, comment="cancelled where the run ended before it did"),
    Column("error", Text),
    # since version 2; null on this machine
    Column("place", Text, comment="which endpoint or server"),
    Column("job", Text, comment="what the place calls the attempt"),
    Column("computing", Float, comment="what the place says it worked, or how long it was seen to; null where nobody knows"),
    Column("queued", Float, comment="what it waited there before that"),
    Column("audio_seconds", Float, comment="that were sent"),
    Column("bytes_sent", BigInteger, comment="by this machine"),
    Column("perhaps_again", Boolean, comment="an earlier attempt that nobody knows of may have to be paid for too"),
)

# The speed of a machine is asked for before each run.
Index("runs_by_speed", RUNS.c.model, RUNS.c.host, RUNS.c.started_at)
