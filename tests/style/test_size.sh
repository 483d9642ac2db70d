#!/usr/bin/env bash
# No function over 100 lines, no file over 600; prints how long functions are.
. "$(dirname "$0")/common.sh"

mapfile -t files < <(c_files host plugin-sdk plugins tests)
status=0
for file in "${files[@]}"; do
  lines=$(wc -l <"$file")
  if [ "$lines" -gt 600 ]; then
    echo "$file: $lines lines, 600 are allowed"
    status=1
  fi
done

# The format makes this simple: a body opens with ") {" outside of a body, closes with "}" at the
# first column. A test's main is a list of its tests and does not count.
lengths=$(code "${files[@]}" | awk '
  { split($0, p, ":"); file = p[1]; line = p[2]; text = substr($0, length(file) + length(line) + 3) }
  file != last { open = 0; last = file }
  !open && text ~ /\) \{$/ {
    open = 1; start = line
    name = text; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
    next
  }
  open && text ~ /^\}/ {
    open = 0
    if (!(name == "main" && file ~ /^tests\//)) print line - start + 1, file ":" start, name
  }' | LC_ALL=C sort -n)

echo "$lengths" | awk '
  $1 > 100 { print $2 ": function of " $1 " lines, 100 are allowed"; bad = 1 }
  END { exit bad }' || status=1
echo "$lengths" | awk '
  NF { n++; at[n] = $1; where[n] = $2; over40 += $1 > 40 }
  END {
    if (n) {
      printf "%d functions: median %d lines, nine in ten at most %d, %d over 40\n", n,
        at[int((n + 1) / 2)], at[int(n * 0.9 + 0.5)], over40
      for (i = n; i > 0 && i > n - 5; i--) printf "  %d lines: %s\n", at[i], where[i]
    }
  }'
exit $status
