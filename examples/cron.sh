#!/usr/bin/env bash
# For cron: 0 1 * * * /path/to/cron.sh /data/aulas. Never asks anything; one run at a time; mail only when something failed.
set -u
folder=${1:?which folder?}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
exec 9>"${TMPDIR:-/tmp}/transcribe-cron.lock"
flock -n 9 || exit 0
transcribe run "$folder" --log-format json 2>"$log"
code=$?
# 3: some recordings have no transcript. 4: the machine is not ready. cron mails what we print.
# 6 means: nothing failed, and another machine is working on the rest.
[ $code -eq 6 ] && exit 0
if [ $code -ne 0 ]; then
    echo "transcribe run $folder ended with $code"
    grep '"event": "recording_failed"' "$log" || tail -n 3 "$log"
fi
exit $code
