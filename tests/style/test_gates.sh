#!/usr/bin/env bash
# The checks themselves: each finds what it is there to find, in a small tree with one fault.
set -euo pipefail
style=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
status=0

fresh_tree() {
  rm -rf "${tree:?}"/*
  mkdir -p "$tree"/{host/base,host/io,host/manifest,plugin-sdk/include/troupe,plugins/text,tests/unit}
  printf 'base:\nmanifest: base\nio: base\n' >"$tree/host/layers.txt"
  cp "$style/../../.clang-format" "$tree/.clang-format"
  printf '#include <stddef.h>\n#include <stdint.h>\n' >"$tree/host/base/good.h"
  printf '#include "base/good.h"\n\n/* strcpy(a, b) in words; "exit(1)" */\n' >"$tree/host/io/good.c"
}

# expect CHECK PATTERN: the check fails on the tree and says so.
expect() {
  local out
  if out=$(TROUPE_CHECK_ROOT=$tree bash "$style/test_$1.sh" 2>&1); then
    echo "test_$1.sh passed a tree in which it should find: $2"
    status=1
  elif ! grep -qF -- "$2" <<<"$out"; then
    printf 'test_%s.sh should say: %s\nbut says:\n%s\n' "$1" "$2" "$out"
    status=1
  fi
}
# put FILE LINE...: replaces FILE of a fresh tree
put() {
  local file=$1
  shift
  fresh_tree
  printf '%s\n' "$@" >"$tree/$file"
}

fresh_tree
for check in layers format size banned status_writer; do
  code=0
  TROUPE_CHECK_ROOT=$tree bash "$style/test_$check.sh" >"$tree/out" 2>&1 || code=$?
  if [ $code -ne 0 ] && [ $code -ne 77 ]; then
    echo "test_$check.sh refuses a tree without faults:"
    cat "$tree/out"
    status=1
  fi
done

put host/base/bad.c '#include "io/good.h"'
expect layers 'host/base/bad.c:1: base may not include "io/good.h"'
put host/io/bad.c '#include "good.h"'
expect layers 'host/io/bad.c:1: write the folder: "good.h"'
put host/io/bad.c '' '#include <yaml.h>'
expect layers 'host/io/bad.c:2: only manifest may include <yaml.h>'
put host/manifest/bad.c '#include <dlfcn.h>'
expect layers 'only plugin may include <dlfcn.h>'
put host/manifest/bad.c '#include <uv.h>'
expect layers 'only io may include <uv.h>'
put host/manifest/bad.c '#include <jansson.h>'
expect layers 'only message and inspect may include <jansson.h>'
put plugin-sdk/include/troupe/bad.h '#include <unistd.h>'
expect layers 'the SDK may include standard C and <troupe/...> only, not <unistd.h>'
put plugins/text/bad.c '#include "base/good.h"'
expect layers 'plugins/text/bad.c:1: a plugin may not include "base/good.h" of the host'
put host/layers.txt 'cli: base'
mkdir -p "$tree/host/cli"
for file in cmd_run.c cli.h; do
  printf '%s\n' '#include <troupe/embed.h>' '#include "cli/cli.h"' '#include "base/good.h"' >"$tree/host/cli/$file"
  expect layers "host/cli/$file:3: \`troupe run\` sees <troupe/...> and cli/cli.h of the host, not \"base/good.h\""
  rm "$tree/host/cli/$file"
done
put host/layers.txt 'base: io' 'io: base'
expect layers 'host/layers.txt: base names io before its line'

put host/base/bad.c $'void f(void) {\n  g();\n}'
command -v clang-format-14 >/dev/null && expect format 'host/base/bad.c'

long=$(printf '    g();\n%.0s' {1..99})
put host/base/bad.c 'void fine(void) {' "${long#*$'\n'}" '}' '' \
  'int f(int a,' '      int b) {' "$long" '}'
expect size 'host/base/bad.c:103: function of 101 lines, 100 are allowed'
put host/base/bad.c "$(printf '\n%.0s' {1..600}; echo x)"
expect size 'host/base/bad.c: 601 lines, 600 are allowed'

put host/base/bad.c 'int x = 1; strcpy(a, b);'
expect banned 'host/base/bad.c:1:int x = 1; strcpy(a, b);'
put host/base/bad.c 'p = malloc(1);'
expect banned 'host code allocates with base/alloc.h'
put plugins/text/bad.c 'exit(1);'
expect banned 'only the command may end the process'
put tests/unit/bad.c 'usleep(10);'
expect banned 'a test waits for an event or moves a clock, it does not sleep'
put tests/unit/bad.sh '  sleep 1'
expect banned 'a script of the tests sleeps'
put host/io/bad.c '/* TODO later */'
expect banned 'unfinished'

put host/io/bad.c 'atomic_store(&in->doing, 3);'
expect status_writer 'only inst_move() and what is named above may store the status of an instance'
put host/base/bad.c 'in->doing = 3;'
expect status_writer 'host/base/bad.c:1:in->doing = 3;'

# A library with one writable global of each kind that counts, and one of each that does not.
fresh_tree
mkdir -p "$tree/host"
touch "$tree/CMakeCache.txt"
printf '%s\n' 'int written = 1; static int zero; static __thread int own; int *g(int n);' \
  'static const char *const texts[] = {"a", "b"}; const char *h(int n); const char *h(int n) {' \
  'return texts[n]; } int *g(int n) { static int inner = 2; own = n; zero = n;' \
  'return n ? &inner : n > 1 ? &zero : &own; }' >"$tree/bad.c"
(cd "$tree" && cc -g -c bad.c -o bad.c.o && ar rc host/libtroupe-io.a bad.c.o)
export TROUPE_BUILD_DIR=$tree
expect globals 'host/io/bad.c: written'
expect globals 'host/io/bad.c: zero'
expect globals 'host/io/bad.c: inner'
if [ "$(TROUPE_CHECK_ROOT=$tree bash "$style/test_globals.sh" | grep -c 'io/bad')" -ne 3 ]; then
  echo "test_globals.sh takes constants or thread-local variables for writable globals"
  status=1
fi

[ $status -ne 0 ] || echo "each check finds its fault"
exit $status
