#!/usr/bin/env bash
# Build sdist and wheel into dist/, check them, and test that the wheel works alone: installed into an empty environment, it transcribes the
# bundled recordings from a folder outside this checkout.
#
# Arguments: a Python that can create venvs, and the lock file of the build tools. The dependencies of the wheel are not locked, as for users.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/$1 lock=$PWD/$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pip=(-m pip --disable-pip-version-check --quiet install)
rm -rf dist

"$python" -m venv "$work/tools"
"$work/tools/bin/python" "${pip[@]}" --constraint "$lock" build twine
PIP_CONSTRAINT=$lock PIP_BUILD_CONSTRAINT=$lock "$work/tools/bin/python" -m build --outdir dist .
"$work/tools/bin/twine" check --strict dist/*

"$python" -m venv "$work/venv"
"$work/venv/bin/python" "${pip[@]}" dist/*.whl
cp -r examples/audio "$work/audio"
cd "$work"
rm -f audio/*.json audio/*.srt audio/*.vtt audio/*.txt
venv/bin/transcribe run audio --model demo
for recording in aula clase hearing talk; do
    for format in json srt vtt; do test -s "audio/$recording.$format" || { echo "The wheel wrote no $recording.$format." >&2; exit 1; }; done
done
echo "dist/ is good: $(cd "$OLDPWD" && ls dist | tr '\n' ' ')"
