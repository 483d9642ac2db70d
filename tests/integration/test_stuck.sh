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
defaults: { stuck_after: 200ms, restart: temporary, $1 }
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

# Every worker in an endless loop at once: the others go on, after stuck_after and little more; how much, is
# printed, as it depends on how busy the machine is. A stop ends in time, and names both.
cat >"$tmp/wedged.yaml" <<YAML
troupe: 1
proc: main
workers: 2
plugins: { path: ["$build_dir/plugins"] }
stop: { timeout: 200ms }
defaults: { stuck_after: 300ms, on_stuck: report }
actors:
  first: { type: time.Ticker, config: { every: 200ms, count: 1 } }
  second: { type: time.Ticker, config: { every: 200ms, count: 1 } }
  loop_one: { type: demo.Crash, config: { kind: loop } }
  loop_two: { type: demo.Crash, config: { kind: loop } }
  clock: { type: time.Ticker, config: { every: 1ms } }
  seen: { type: file.Sink, config: { flush: 0s } }
wires: [ first.tick -> loop_one.message, second.tick -> loop_two.message, clock.tick -> seen.record ]
YAML

# ticked: how many ticks have come.
ticked() {
    wc -l <"$tmp/out"
}

status=0
: >"$tmp/out"
"$build_dir/troupe" run "$tmp/wedged.yaml" >"$tmp/out" 2>"$tmp/err" &
pid=$!
for name in one two; do
    until grep -q "main/loop_$name\[0\]: stuck in 'message'" "$tmp/err"; do
        kill -0 $pid || fail "it ended"
    done
done
enough=$(($(ticked) + 20))
until [ "$(ticked)" -ge $enough ]; do
    kill -0 $pid || fail "it ended"
done
begin=$EPOCHREALTIME
kill -TERM $pid
wait $pid || status=$?
end=$EPOCHREALTIME
[ $status -eq 1 ] || fail "exit status $status instead of 1"
said 'not ended in time: .*main/loop_(one|two)\[0\], .*main/loop_(one|two)\[0\]'
awk -F'"at":"' -v begin="$begin" -v end="$end" '
    {
        split(substr($2, 12), at, /[:Z]/)
        now = at[1] * 3600 + at[2] * 60 + at[3]
        gap = NR > 1 && now > before && now - before > gap ? now - before : gap
        before = now
    }
    END {
        printf "with every worker wedged the others stood still for %.0f ms of a stuck_after of 300 ms;" \
            " the stop took %.0f ms of 200\n", gap * 1000, (end - begin) * 1000
        exit gap > 10 || end - begin > 10
    }' "$tmp/out" || fail "that is not what should be"
