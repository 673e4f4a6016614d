"""`python -m transcribe_cli` is `transcribe`."""

from transcribe_cli.cli import main

main()
