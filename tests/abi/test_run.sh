#!/usr/bin/env bash
# `troupe run` is a program like any other that embeds libtroupe: its sources compile with the public headers
# alone, link with the shared library alone, and run a deployment as the command does.
. "$(dirname "$0")/common.sh"

build=${TROUPE_BUILD_DIR:?the build folder to look at}
mkdir "$work/cli"
cp host/cli/{cli.h,cmd_run.c,stream.c} "$work/cli/"
cat >"$work/main.c" <<'END'
#include "cli/cli.h"

int main(int argc, char **argv) {
    const struct cli cli = {.files = (const char **)argv + 1, .file_count = (size_t)argc - 1};
    return cmd_run(&cli);
}
END
sanitize=$(sed -n 's/^TROUPE_SANITIZE:[A-Z]*=//p' "$build/CMakeCache.txt")
compiler=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
"$compiler" -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror ${sanitize:+-fsanitize=$sanitize} \
  -I"$work" -Ihost/app/include -Iplugin-sdk/include "$work"/main.c "$work"/cli/*.c -o "$work/run" \
  -L"$build/host" -ltroupe -Wl,-rpath,"$build/host"

printf 'one\ntwo\n' >"$work/in.log"
cat >"$work/m.yaml" <<END
troupe: 1
proc: copy
plugins: { path: [$build/plugins] }
actors:
  tail: { type: file.Tail, config: { path: in.log } }
  sink: { type: file.Sink }
wires: [tail.line -> sink.record]
END
printf 'troupe: 1\nproc: copy\nactors: { a: { type: file.Tial } }\nplugins: { path: [%s] }\n' "$build/plugins" \
  >"$work/bad.yaml"

status=0
# same MANIFEST STATUS
same() {
  local own=0 command=0
  "$work/run" "$1" >"$work/own.out" 2>"$work/own.err" || own=$?
  "$build/troupe" run "$1" >"$work/command.out" 2>"$work/command.err" || command=$?
  if [ $own -ne "$2" ] || [ $command -ne "$2" ]; then
    echo "$1: the program ends with $own, the command with $command; both should with $2"
    status=1
  fi
  diff "$work/own.out" "$work/command.out" && diff "$work/own.err" "$work/command.err" || status=1
}
same "$work/m.yaml" 0
grep -q '"two"' "$work/own.out" || { echo "nothing came through" && status=1; }
same "$work/bad.yaml" 78
grep -q "did you mean 'file.Tail'" "$work/own.err" || { echo "no finding" && status=1; }
[ $status -ne 0 ] || echo "troupe run needs nothing but libtroupe's public headers and functions"
exit $status
