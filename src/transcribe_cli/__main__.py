"""Entry point of `transcribe` and `python -m transcribe_cli`."""

import signal

from transcribe_cli import tuning

tuning.tune()
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until our handler is set: an interrupted import would show a traceback

from transcribe_cli.cli import main  # noqa: E402 - see above

if __name__ == "__main__":
    main()
