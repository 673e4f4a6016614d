#!/usr/bin/env bash
# Renders subtitles of a transcribed folder by the BBC's standard to another folder, then lists violations. Exit code 3 if there are any,
# mostly from people who speak faster than 180 words per minute.
set -u
folder=${1:-./aulas}
transcribe render "$folder" -f srt --subtitles bbc --output-dir "${2:-./legendas}" --overwrite --quiet || exit
transcribe lint "${2:-./legendas}" --subtitles bbc
