#!/usr/bin/env bash
# Each header of the SDK compiles alone, in C and C++, with both compilers, without a warning; so
# does an actor that uses all of them.
. "$(dirname "$0")/common.sh"

status=0
count=0
# try COMPILER LANGUAGE STANDARD
try() {
  local header
  for header in plugin-sdk/include/troupe/*.h; do
    # Twice, for what #pragma once must hold.
    printf '#include <troupe/%s>\n#include <troupe/%s>\nextern int unused_;\n' \
      "${header##*/}" "${header##*/}" >"$work/alone"
    if ! "$1" -x "$2" -std="$3" -Wall -Wextra -Wpedantic -Wconversion -Werror \
      -fsyntax-only -Iplugin-sdk/include "$work/alone"; then
      echo "$header does not compile alone: $1 -std=$3"
      status=1
    fi
    count=$((count + 1))
  done
  if ! "$1" -x "$2" -std="$3" -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
    -Iplugin-sdk/include tests/abi/every_row.c; then
    echo "an actor with every kind of row does not compile: $1 -std=$3"
    status=1
  fi
  count=$((count + 1))
}

for compiler in $(compilers C); do
  try "$compiler" c c11
  try "$compiler" c gnu11
  try "$compiler" c c17
done
for compiler in $(compilers C++); do
  try "$compiler" c++ c++17
done
[ $count -gt 0 ] || status=1
[ $status -ne 0 ] || echo "$count compilations without a warning"
exit $status
