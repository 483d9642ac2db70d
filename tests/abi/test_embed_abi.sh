#!/usr/bin/env bash
# libtroupe exports what its headers declare and nothing else, shared and static; its structs, numbers and
# functions are those of embed_frozen.c; its headers compile alone; and by abidiff, where that is installed,
# it is the library of the committed baseline, or has grown. A change on purpose wants in the same commit a
# renewed baseline: tests/abi/test_embed_abi.sh --renew
. "$(dirname "$0")/common.sh"

build=${TROUPE_BUILD_DIR:?the build folder to look at}
headers=host/app/include
baseline=tests/abi/libtroupe-0.abi
shared=$build/host/libtroupe.so
status=0
export LC_ALL=C

# Functions as the headers mark them.
grep -hv '^#' "$headers"/troupe/*.h | tr '\n' ' ' | grep -oE 'TROUPE_API [a-z][^;(]*\(' |
  sed -E 's/.*[ *]([a-z_]+)\($/\1/' | sort >"$work/declared"

# what NAME FILE: one list of symbols against what is declared
same() {
  if ! diff "$work/declared" "$2" >"$work/diff"; then
    printf '%s does not export what the headers declare (< declared, > exported):\n%s\n' "$1" "$(cat "$work/diff")"
    status=1
  fi
}
# What sanitizers add is not the library's.
symbols() { awk '$2 ~ /^[A-Z]$/ && $2 != "U" && $2 != "A" { sub(/@.*/, "", $3); print $3 }' | grep -vE '^(__asan|__odr_asan|__ubsan|__sanitizer|__sancov|__start___sanc|__stop___sanc|DW\.ref\.)' | sort; }
nm -D --defined-only "$shared" | symbols >"$work/shared"
same libtroupe.so "$work/shared"
nm -g --defined-only "$build/host/libtroupe.a" 2>/dev/null | symbols >"$work/static"
same libtroupe.a "$work/static"
tr '\n' ' ' <tests/abi/embed_frozen.c | grep -oE '(STATUS|FUNCTION)\(troupe_[a-z_]+' | sed 's/.*(//' |
  sort >"$work/frozen"
same embed_frozen.c "$work/frozen"

# freeze INCLUDE COMPILER
freeze() {
  "$2" -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$1" -Iplugin-sdk/include tests/abi/embed_frozen.c
}
cp -r "$headers" "$work/changed"
sed -i 's/^    uint32_t workers; /    void *inserted;\n&/' "$work/changed/troupe/embed.h"
for compiler in $(compilers C); do
  freeze "$headers" "$compiler" || { echo "$compiler: the ABI is not the one in embed_frozen.c" && status=1; }
  if freeze "$work/changed" "$compiler" 2>/dev/null; then
    echo "$compiler: embed_frozen.c does not notice a field between two others"
    status=1
  fi
done
for standard in c11 c17 c++17; do
  language=${standard%%[0-9]*}
  [ "$language" = c ] && kind=C || kind=C++
  for compiler in $(compilers "$kind"); do
    for header in "$headers"/troupe/*.h; do
      printf '#include <troupe/%s>\n#include <troupe/%s>\nextern int unused_;\n' \
        "${header##*/}" "${header##*/}" >"$work/alone"
      "$compiler" -x "$language" -std="$standard" -Wall -Wextra -Wpedantic -Wconversion -Werror -fsyntax-only \
        -I"$headers" -Iplugin-sdk/include "$work/alone" || { echo "$header: $compiler -std=$standard" && status=1; }
    done
  done
done

# types INCLUDE OUT: of all that the headers show, by the debug information of embed_frozen.c
types() {
  gcc -std=c11 -shared -fPIC -O0 -g '-D_Static_assert(...)=extern int unchecked_' -I"$1" -Iplugin-sdk/include \
    tests/abi/embed_frozen.c -o "$work/now.so"
  abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed --out-file "$2" "$work/now.so"
}
if ! command -v abidw >/dev/null || ! command -v abidiff >/dev/null; then
  echo "abigail-tools are not installed: the baseline is not asked"
elif [ "${1:-}" = --renew ]; then
  types "$headers" "$baseline"
  echo "renewed $baseline"
else
  types "$headers" "$work/now.abi"
  if ! abidiff --no-added-syms "$baseline" "$work/now.abi"; then
    echo "the ABI differs from $baseline; if that is meant: $0 --renew"
    status=1
  fi
  types "$work/changed" "$work/changed.abi"
  if abidiff --no-added-syms "$baseline" "$work/changed.abi" >/dev/null; then
    echo "abidiff does not notice a field between two others"
    status=1
  fi
fi
[ $status -ne 0 ] || echo "libtroupe exports $(wc -l <"$work/declared") functions, each frozen"
exit $status
