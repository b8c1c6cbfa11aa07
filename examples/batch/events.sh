#!/bin/bash
# One job of HTCondor: events.sh PROCESS-NUMBER JOBS PROCESS EVENTS SEED OUT; jobs are numbered from 0.
set -euo pipefail
exec nanosieve events make "$3" -n "$4" --seed "$5" -o "$6" --workers 1 --shard "$(($1 + 1))/$2"
