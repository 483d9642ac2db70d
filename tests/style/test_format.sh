#!/usr/bin/env bash
# Every C file is as .clang-format has it.
. "$(dirname "$0")/common.sh"

tool=$(command -v clang-format-14) || {
  echo "skipped: clang-format-14 is not installed"
  exit 77
}
mapfile -t files < <(c_files host plugin-sdk plugins tests)
status=0
# Asked about all at once, as it starts slowly; then the difference of those that differ.
mapfile -t wrong < <(printf '%s\n' "${files[@]}" |
  xargs -P "$(nproc)" -n 50 "$tool" --style=file --dry-run --ferror-limit=0 2>&1 |
  grep -oE '^[^ :]+:[0-9]+:[0-9]+: warning' | cut -d: -f1 | LC_ALL=C sort -u)
for file in "${wrong[@]}"; do
  "$tool" --style=file "$file" |
    diff -u --label "$file" --label "as formatted" "$file" - || status=1
done
[ $status -eq 0 ] || echo "to format: $tool -i FILE"
[ $status -ne 0 ] || echo "${#files[@]} files are formatted"
exit $status
