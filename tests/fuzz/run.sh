#!/usr/bin/env bash
# Runs one libFuzzer target for TROUPE_FUZZ_SECONDS (5 unless told), from its corpus.
# usage: run.sh TARGET CORPUS FOUND
#   New inputs and crashes are left in FOUND; the corpus in the source tree is only read.
set -euo pipefail
target=$1 corpus=$2 found=$3
mkdir -p "$found"
echo "to replay a failure: $target $found/crash-..."
exec "$target" -max_total_time="${TROUPE_FUZZ_SECONDS:-5}" -timeout=10 -rss_limit_mb=2048 \
  -print_final_stats=1 -artifact_prefix="$found/" "$found" "$corpus"
