#!/usr/bin/env bash
# Makes a folder as released/README.md describes it, from the tree as it is.
# usage: release.sh FOLDER
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${1:?usage: release.sh FOLDER}
mkdir -p "$folder/build"
for name in hello tally; do
  gcc -O2 -shared -fPIC -fvisibility=hidden -I"$root/plugin-sdk/include" \
    "$root/plugin-sdk/template/$name.c" -o "$folder/build/$name.so"
  cp "$root/plugin-sdk/template/$name.yaml" "$folder/"
done
printf 'one\ntwo\nthree' >"$folder/input"
printf '%s\n' '{"total":{"lines":3,"bytes":11}}' >"$folder/expected"
