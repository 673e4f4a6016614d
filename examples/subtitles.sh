#!/usr/bin/env bash
# Subtitles of a folder that was transcribed before, under the rules of the BBC, in another folder; then what breaks them.
# Ends with 3 when something does: people who speak faster than 180 words a minute, above all.
set -u
folder=${1:-./aulas}
transcribe render "$folder" -f srt --subtitles bbc --output-dir "${2:-./legendas}" --overwrite --quiet || exit
transcribe lint "${2:-./legendas}" --subtitles bbc
