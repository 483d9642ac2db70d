#!/usr/bin/env bash
# FC-3 and SV-7 by the command: a handler that does not return is reported, and ends as on_stuck says; a
# stop ends in time and names it.
set -euo pipefail
source_dir=${TROUPE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build_dir=${TROUPE_BUILD_DIR:-$source_dir/build}
if grep -qE '^TROUPE_SANITIZE:[A-Z]*=.*(address|thread)' "$build_dir/CMakeCache.txt"; then
    echo "skipped: this sanitizer has handlers of its own, and an endless loop is for ever"
    exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
ulimit -c 0

fail() {
    echo "FAILED: $*" >&2
    sed 's/^/  stderr: /' "$tmp/err" >&2
    exit 1
}

said() {
    grep -qE -- "$1" "$tmp/err" || fail "nothing on stderr matches '$1'"
}

# manifest DEFAULTS: an actor that loops at its third message.
manifest() {
    cat >"$tmp/stuck.yaml" <<YAML
troupe: 1
proc: main
workers: 1
plugins: { path: ["$build_dir/plugins"] }
stop: { timeout: 50ms }
defaults: { stuck_after: 50ms, restart: temporary, $1 }
actors:
  ticker: { type: time.Ticker, config: { every: 1ms, count: 5 } }
  crash: { type: demo.Crash, config: { kind: loop, after: 3 } }
  echo: { type: demo.Echo }
wires: [ ticker.tick -> crash.message, crash.passed -> echo.message ]
YAML
}

stack() {
    said "stuck in 'message', which has been running for [0-9]+ ms"
    if grep -q '^TROUPE_LIBDW:BOOL=ON' "$build_dir/CMakeCache.txt"; then
        said 'main/crash\[0\]:   #0 die_loop at plugins/demo/crash[a-z_]*\.c:[0-9]+ \(demo\.so, generation [0-9]+\)'
    fi
}

manifest 'on_stuck: restart'
timeout 60 "$build_dir/troupe" run "$tmp/stuck.yaml" >"$tmp/out" 2>"$tmp/err" || true
stack
said "main/crash\[0\].* failed: message: stuck: ran for [0-9]+ ms"

status=0
manifest 'on_stuck: exit'
{ timeout 60 "$build_dir/troupe" run "$tmp/stuck.yaml" >"$tmp/out" 2>"$tmp/err" || status=$?; } 2>"$tmp/shell"
[ $status -eq 134 ] || fail "exit status $status instead of 134"
stack
said "the process ends, because of 'on_stuck: exit'"

status=0
manifest 'on_stuck: report'
timeout 60 "$build_dir/troupe" run "$tmp/stuck.yaml" >"$tmp/out" 2>"$tmp/err" &
pid=$!
while ! grep -q 'still stuck' "$tmp/err" 2>/dev/null; do
    kill -0 $pid || fail "it ended"
done
kill -TERM "$(pgrep -P $pid)"
wait $pid || status=$?
[ $status -eq 1 ] || fail "exit status $status instead of 1"
stack
said 'not ended in time: .*main/crash\[0\]'
