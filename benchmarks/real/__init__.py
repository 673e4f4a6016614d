"""Measures real recordings: `python -m benchmarks.real --corpus DIR --model DIR`; see README.md in the folder above.

Reading order: `corpus` (the manifest, groups, samples), `contenders` (who transcribes a group, as whole processes), `loops` (the process of
faster-whisper's classes), `hypothesis` (the answer of each), `measures` (one recording), `figures` (a group),
`intervals` (chance), `measuring` (rounds), `tables`, `__main__`.
"""
