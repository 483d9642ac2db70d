#!/usr/bin/env bash
# The types of the ABI against the committed baseline, by abidiff, without suppressions: those let
# real breaks through. A difference on purpose wants a new minor and, in the same commit, a renewed
# baseline: tests/abi/test_abidiff.sh --renew
. "$(dirname "$0")/common.sh"

baseline=tests/abi/troupe-1.0.abi
command -v abidw >/dev/null && command -v abidiff >/dev/null || {
  echo "skipped: abigail-tools are not installed"
  exit 77
}

# build INCLUDE OBJECT [FLAG...]
build() {
  local include=$1 object=$2
  shift 2
  gcc -std=c11 -shared -fPIC -O0 -g "$@" -I"$include" tests/abi/abi_frozen.c -o "$object"
  # An object without debug information compares equal to anything.
  readelf -SW "$object" | grep -q '\.debug_info' || {
    echo "$object has no debug information to compare"
    exit 1
  }
}

build plugin-sdk/include "$work/now.so"
if [ "${1:-}" = --renew ]; then
  abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed \
    --out-file "$baseline" "$work/now.so"
  echo "renewed $baseline"
  exit 0
fi
if ! abidiff "$baseline" "$work/now.so"; then
  echo "the ABI differs from $baseline; if that is meant: raise TROUPE_ABI_MINOR, then $0 --renew"
  exit 1
fi

# The check bites: abi_frozen.c must not stop the changed ABI from being built.
change "$retype" host.h
build "$work/include" "$work/changed.so" '-D_Static_assert(...)=extern int unchecked_'
if abidiff "$baseline" "$work/changed.so" >/dev/null; then
  echo "abidiff does not notice a re-typed parameter"
  exit 1
fi
echo "the ABI is that of $baseline"
