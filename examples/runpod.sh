#!/usr/bin/env bash
# On rented GPUs, from a machine that is not always on: send the jobs, collect them later. docs/runpod.md makes the endpoint.
# RUNPOD_API_KEY is in the environment; the bucket keeps results until they are collected.
set -u
folder=${1:?which folder?} endpoint=${2:?which endpoint?} bucket=${3:?which bucket, such as s3://bucket/staging?}
until transcribe remote "$folder" --runpod-endpoint "$endpoint" --staging "$bucket" --detach; do
    code=$?
    [ $code -eq 6 ] || exit $code # 6: some are still there
    sleep 300
done
