"""An S3 emulator in its own process. Prints its port. A number N on standard input adds N finished recordings, copied from the first.

The copies are written without HTTP, because forty thousand requests to the emulator would take longer than the benchmark.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

BUCKET, FIRST = "aulas", "in/course0/note00000"


def fill(count: int) -> None:
    """Add `in/courseX/noteY.m4a` with its outputs, in a hundred folders."""
    (backend,) = [backend for backend in s3_backends["123456789012"].values() if BUCKET in backend.buckets]
    found = {ending: backend.get_object(BUCKET, f"{FIRST}.{ending}").value for ending in ("m4a", "srt", "vtt", "json")}
    document = found["json"].decode()
    finished = json.loads(document)["job"]["finished_at"]
    for number in range(1, count):
        key = f"in/course{number % 100}/note{number:05}"
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        text = document.replace(FIRST, key).replace("note00000", f"note{number:05}").replace(finished, now)
        for ending, data in {**found, "json": text.encode()}.items():
            backend.put_object(BUCKET, f"{key}.{ending}", data)


def main() -> None:
    """Serve until standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    for line in sys.stdin:
        fill(int(line))
        print("filled", flush=True)
    server.stop()


if __name__ == "__main__":
    main()
