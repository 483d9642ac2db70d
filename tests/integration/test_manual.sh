#!/usr/bin/env bash
# Every key that a manifest can have is in its manual page, and the pages are well formed.
set -euo pipefail
source_dir=${TROUPE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$source_dir/host"

failed=0
mapfile -t keys < <(grep -hoE '\{"[a-z_]+", FIELD_' manifest/*.c | cut -d '"' -f 2 | sort -u)
[ ${#keys[@]} -gt 40 ] || { echo "only ${#keys[@]} keys were found"; exit 1; }
for key in "${keys[@]}"; do
    if ! grep -qE "^\.(B|BR|I) (.*[ \"])?$key([ \"]|\$)" cli/troupe-manifest.5; then
        echo "'$key' is not in troupe-manifest.5"
        failed=1
    fi
done
for page in cli/*.[157]; do
    if command -v man >/dev/null && ! LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -l "$page" 2>&1 >/dev/null | diff /dev/null - ; then
        echo "$page has warnings"
        failed=1
    fi
done
[ $failed -eq 0 ] || exit 1
echo "${#keys[@]} keys"
