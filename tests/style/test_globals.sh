#!/usr/bin/env bash
# Host code keeps no writable globals outside app/ and cli/; those it may keep stand in globals.txt.
. "$(dirname "$0")/common.sh"

build=${TROUPE_BUILD_DIR:?the build folder to look at}
if grep -qE '^TROUPE_SANITIZE:[A-Z]*=.+' "$build/CMakeCache.txt"; then
  echo "skipped: a sanitizer adds globals of its own"
  exit 77
fi
status=0
for library in "$build"/host/libtroupe-*.a; do
  folder=${library##*/libtroupe-}
  folder=${folder%.a}
  case $folder in app | cli) continue ;; esac
  # Objects in .data and .bss; what is thread-local stands in .tdata and .tbss, constants with
  # pointers in .data.rel.ro.
  objdump -t "$library" | awk -v folder="$folder" '
    /:[ ]+file format/ { object = $1; sub(/\.c\.o:$/, ".c", object) }
    $0 ~ / O / && $0 ~ / \.(data|bss|data\.rel|data\.rel\.local|common)\t/ {
      name = $NF; sub(/\.[0-9]+$/, "", name); sub(/^[^.]*\./, "", name) # clang: function.name
      print folder "/" object, name
    }'
done | LC_ALL=C sort -u >"$build/globals-found.txt"
found=$(awk '
  FNR == NR { if ($0 !~ /^#/ && NF) may[$1 " " $2] = 1; next }
  !(($1 " " $2) in may) { print "  host/" $1 ": " $2 }' "$style/globals.txt" "$build/globals-found.txt")
if [ -n "$found" ]; then
  printf 'writable globals that tests/style/globals.txt does not name:\n%s\n' "$found"
  status=1
fi
[ $status -ne 0 ] || echo "the host keeps $(wc -l <"$build/globals-found.txt") writable globals, all named"
exit $status
