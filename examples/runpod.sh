#!/usr/bin/env bash
# On rented GPUs, from a machine that is not always on: send the jobs, collect them later. docs/runpod.md explains how to create the endpoint.
# Set RUNPOD_API_KEY in the environment. The bucket keeps results until they are collected.
set -u
folder=${1:?folder missing} endpoint=${2:?endpoint missing} bucket=${3:?bucket missing, such as s3://bucket/staging}
until transcribe remote "$folder" --runpod-endpoint "$endpoint" --staging "$bucket" --detach; do
    code=$?
    [ $code -eq 6 ] || exit $code # 6: some jobs are still running
    sleep 300
done
