#!/usr/bin/env bash
# For cron: 0 1 * * * /path/to/cron.sh /data/aulas. Never prompts; one run at a time; sends mail only after a failure.
set -u
folder=${1:?folder missing}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
exec 9>"${TMPDIR:-/tmp}/transcribe-cron.lock"
flock -n 9 || exit 0
transcribe run "$folder" --log-format json 2>"$log"
code=$?
# Exit codes: 3, some recordings have no transcript; 4, the machine is not ready; 6, nothing failed, and another machine is working on the
# rest. cron mails the output.
[ $code -eq 6 ] && exit 0
if [ $code -ne 0 ]; then
    echo "transcribe run $folder ended with $code"
    grep '"event": "recording_failed"' "$log" || tail -n 3 "$log"
fi
exit $code
