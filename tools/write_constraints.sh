#!/usr/bin/env bash
# Lock what development and CI install: tools/constraints.txt, and tools/constraints-worker.txt for the venv of RunPod's SDK.
#
# Argument: the Python to use. uv resolves for every Python and Linux machine that pyproject.toml allows. These files have versions but no
# hashes, because PyTorch may come from different sources (an index, a CPU build).
#
# What the image of configs/runpod installs has hashes: of wheels only, for its Python and machine.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$(mktemp -d)
trap 'rm -rf "$uv"' EXIT
"$1" -m venv "$uv"
"$uv/bin/python" -m pip --disable-pip-version-check --quiet install 'uv>=0.9,<1'
compile() {
    "$uv/bin/uv" pip compile --quiet --universal --upgrade --python-version 3.11 --no-annotate --no-header \
        --custom-compile-command "make lock" "$@" --output-file "$uv/locked"
    { echo "# Written by \`make lock\`: do not edit."; cat "$uv/locked"; } >"$out"
    echo "$out: $(grep -c '==' "$out") packages"
}
extras=()
for extra in ffmpeg s3 gcs azure http ssh diarization postgres docx score; do extras+=(--extra "$extra"); done
out=tools/constraints.txt compile pyproject.toml "${extras[@]}" tools/{test,storage,build}-requirements.txt
out=tools/constraints-worker.txt compile pyproject.toml --extra worker

hash() {
    "$uv/bin/uv" pip compile --quiet --python-version 3.12 --python-platform x86_64-unknown-linux-gnu --only-binary :all: \
        --generate-hashes --no-annotate --no-header "$@" pyproject.toml tools/image-requirements.txt --output-file "$uv/hashed"
    { echo "# Written by \`make lock\`: do not edit."; cat "$uv/hashed"; } >"$out"
    echo "$out: $(grep -c '==' "$out") packages"
    rm "$uv/hashed"
}
out=configs/runpod/requirements.txt hash --constraint tools/constraints-worker.txt --extra worker --extra cuda
out=configs/runpod/requirements-diarization.txt hash --extra worker --extra cuda --extra diarization
