"""Our worker at the fake queue, in a thread of the tests. This loop replaces RunPod's SDK, which `test_sdk.py` tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.backends.gateway import ENDPOINT, Gateway
from transcribe_cli.worker.handler import Worker


@contextmanager
def worker_running(worker: Worker, gateway: Gateway, name: str = "w0", concurrency: int = 4) -> Iterator[None]:
    """The worker takes jobs from the queue while the context is open."""
    ended = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(worker, gateway, name, concurrency, ended)), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


async def _serve(worker: Worker, gateway: Gateway, name: str, concurrency: int, ended: threading.Event) -> None:
    base = f"{gateway.url}/{ENDPOINT}"
    tasks: dict[str, asyncio.Task[None]] = {}
    async with httpx.AsyncClient(timeout=60, transport=httpx.AsyncHTTPTransport(retries=2)) as http:

        async def do(job: dict[str, Any]) -> None:
            def report_progress(request: dict[str, Any], progress: dict[str, Any]) -> None:
                httpx.post(f"{base}/job-done/{name}/{request['id']}", json={"status": "IN_PROGRESS", "output": progress})

            answer = await worker.handle(job, report_progress)
            error = answer.pop("error", None)
            done = {"output": answer, **({"error": error} if error else {})}
            for _ in range(3):  # as the SDK does
                answered = await http.post(f"{base}/job-done/{name}/{job['id']}", json=done)
                if answered.is_success:
                    return

        async def stop() -> None:
            while not ended.is_set():
                answer = await http.get(f"{base}/job-stop/{name}")
                for job_id in answer.json()["jobsToStop"] if answer.status_code == 200 else []:
                    if job_id in tasks:
                        tasks[job_id].cancel()

        stopping = asyncio.create_task(stop())
        while not ended.is_set():
            tasks = {job_id: task for job_id, task in tasks.items() if not task.done()}
            if (free := concurrency - len(tasks)) <= 0:
                await asyncio.sleep(0.05)
                continue
            answer = await http.get(f"{base}/job-take-batch/{name}", params={"batch_size": free})
            for job in answer.json() if answer.status_code == 200 else []:
                tasks[job["id"]] = asyncio.create_task(do(job))
        for task in (stopping, *tasks.values()):
            task.cancel()
        await asyncio.gather(stopping, *tasks.values(), return_exceptions=True)
