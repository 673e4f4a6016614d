"""The model on every device, loaded in parallel."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from transcribe_cli.errors import DeviceUnavailable, TranscribeError
from transcribe_cli.events import Emit, Notice
from transcribe_cli.recognition.device_threads import Device, EngineLoader


def load_devices(loaders: Sequence[EngineLoader], emit: Emit) -> list[Device]:
    """Load the model onto each device. A device on which it does not load is reported as a warning.

    Raises:
        TranscribeError: the model loads on none of them; the error of the first.
    """
    results: list[Device | TranscribeError | None] = [None] * len(loaders)

    def load(position: int) -> None:
        try:
            engine = loaders[position]()
            results[position] = Device(loaders[position], engine, engine.batch_size)
        except TranscribeError as error:
            results[position] = error
        except Exception as error:
            results[position] = DeviceUnavailable(f"The model could not be loaded ({first_line(error)}).")

    threads = [threading.Thread(target=load, args=(position,), daemon=True) for position in range(len(results))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    devices = [result for result in results if isinstance(result, Device)]
    errors = [result for result in results if isinstance(result, TranscribeError)]
    if not devices:
        raise errors[0] if errors else DeviceUnavailable("The model could not be loaded.")
    for error in errors:
        emit(Notice(f"A device is not used: {error}", "warning"))
    return devices


def first_line(error: Exception) -> str:
    """The first line of an error's message; its type where it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0]
