#!/usr/bin/env bash
# A folder of lectures in Portuguese: JSON, SRT and VTT next to each file. Run it again after adding recordings: only the new ones are transcribed.
set -eu
transcribe run "${1:-./aulas}" --language pt
