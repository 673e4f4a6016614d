"""Where the program begins, as `transcribe` and as `python -m transcribe_cli`."""

import gc
import signal

# What libraries make when they are imported stays. To look for garbage among it all the time takes a sixth of PyTorch's five seconds,
# and as much of the start without it. mypy does the same.
gc.set_threshold(20_000, 10, 10)
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the program takes over: an import that is interrupted shows a traceback

from transcribe_cli.cli import main  # noqa: E402 - see above

if __name__ == "__main__":
    main()
