#!/usr/bin/env bash
# A long log through the whole pipeline: all of it is counted when it ends, and all that was read when
# it is stopped in mid-stream (DR-1, DR-3); memory does not grow with its length.
#
# A million lines, ten with TROUPE_FULL=1, fewer under a sanitizer. Prints time and memory.
set -euo pipefail
source_dir=${TROUPE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build_dir=${TROUPE_BUILD_DIR:-$source_dir/build}
tmp=$(mktemp -d)
pid=
writer=
listener=
cleanup() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    [ -z "$writer" ] || kill -KILL "$writer" 2>/dev/null || true
    rm -rf "$tmp"
}
trap cleanup EXIT

fail() {
    echo "FAILED: $*" >&2
    [ ! -s "$tmp/err" ] || tail -20 "$tmp/err" | sed 's/^/  stderr: /' >&2
    exit 1
}
trap 'fail "the command in line $LINENO"' ERR

lines=1000000
most_kib=$((200 * 1024))
[ -z "${TROUPE_FULL:-}" ] || lines=10000000
if grep -qaE '__(asan|tsan)_init' "$build_dir/troupe"; then
    lines=60000
    most_kib=$((2 * 1024 * 1024)) # a sanitizer has memory of its own
fi

# log COUNT: of three lines one fails and one is accepted, from 5000 sources.
log() {
    awk -v count="$1" 'BEGIN {
        for (i = 0; i < count; i++) {
            source = "10.0." int(i / 3 / 100) % 50 "." int(i / 3) % 100
            if (i % 3 == 0) what = "Failed password for root from " source " port 22 ssh2"
            if (i % 3 == 1) what = "Accepted password for ann from " source " port 22 ssh2"
            if (i % 3 == 2) what = "Connection closed by " source " port 22"
            print "Jan  1 00:00:" sprintf("%02d", i / 1000 % 60) " host sshd[" i % 30000 "]: " what
        }
    }'
}

# start PATH: counts the lines of PATH; what it writes comes out of descriptor 5.
start() {
    cat >"$tmp/count.yaml" <<YAML
troupe: 1
proc: count
log: { level: debug }
plugins: { path: ["$build_dir/plugins"] }
actors:
  tail: { type: file.Tail, config: { path: "$1" } }
  parse: { type: syslog.Parse }
  window: { type: stats.Window, config: { by: source, span: 60s, threshold: 2 } }
  count: { type: stats.Count }
  sink: { type: file.Sink, config: { flush: 0s } }
wires:
  - tail.line -> parse.line
  - parse.event -> window.event
  - parse.event -> count.event
  - window.alert -> sink.record
  - count.summary -> sink.last
YAML
    mkfifo "$tmp/out"
    "$build_dir/troupe" run "$tmp/count.yaml" >"$tmp/out" 2>"$tmp/err" &
    pid=$!
    exec 5<"$tmp/out"
    rm "$tmp/out"
}

# listen: keeps the last line that it writes.
listen() {
    timeout 280 tail -n 1 <&5 >"$tmp/last" &
    listener=$!
    exec 5<&-
}

# finish: waits for its end; sets `summary`.
finish() {
    local status=0
    wait "$pid" || status=$?
    pid=
    wait "$listener"
    summary=$(<"$tmp/last")
    [ "$status" = 0 ] || fail "it ended with status $status"
}

# number KEY: the number behind "KEY": in the summary.
number() {
    sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" <<<"${summary%%\"sources\"*}"
}

# sent: how many lines the tail says it sent.
sent() {
    sed -n "s/.*: sent \([0-9]*\) lines\$/\1/p" "$tmp/err"
}

peak() {
    sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$pid/status"
}

test_all_lines_are_counted_at_the_end() {
    mkfifo "$tmp/in"
    start "$tmp/in"
    listen
    exec 6>"$tmp/in"
    local begin=$EPOCHREALTIME
    log "$lines" >&6
    printf 'Jan  1 00:00:00 host sshd[1]: Failed password for root from 10.9.9.9 port 22 ssh2' >&6
    local kib
    kib=$(peak) # all is read but for what a pipe holds
    exec 6>&-
    finish
    awk -v n="$lines" -v kib="$kib" -v begin="$begin" -v end="$EPOCHREALTIME" 'BEGIN {
        printf "%d lines in %.2f s, at most %.1f MiB resident\n", n, end - begin, kib / 1024 }'

    [ "$(number lines)" = $((lines + 1)) ] || fail "$(number lines) of $((lines + 1)) lines were counted"
    [ "$(number failed)" = $(((lines + 2) / 3 + 1)) ] || fail "$(number failed) failed"
    [ "$(number accepted)" = $(((lines + 1) / 3)) ] || fail "$(number accepted) were accepted"
    [ "$(sent)" = $((lines + 1)) ] || fail "the tail sent $(sent) lines"
    [ "$kib" -le "$most_kib" ] || fail "it took $kib KiB"
    rm "$tmp/in"
}

# stop_in_mid_stream: as soon as the first alert is there.
stop_in_mid_stream() {
    local alert
    IFS= read -r -t 120 -u 5 alert || fail "no alert came"
    kill -TERM "$pid"
    listen
    finish
    [ "$(number lines)" = "$(sent)" ] || fail "the tail sent $(sent) lines, $(number lines) were counted"
    [ "$(number failed)" -ge $(($(sent) / 3)) ] || fail "$(number failed) failed"
    echo "stopped after $(sent) lines"
}

test_what_was_read_of_a_file_is_counted_when_stopped() {
    local size=$lines
    while :; do
        log "$size" >"$tmp/in"
        start "$tmp/in"
        stop_in_mid_stream
        [ "$(sent)" -eq "$size" ] || break
        size=$((size * 4)) # it was through before the signal came
    done
    rm "$tmp/in"
}

test_what_was_read_of_a_stream_is_counted_when_stopped() {
    mkfifo "$tmp/in"
    start "$tmp/in"
    log 1e12 >"$tmp/in" 2>/dev/null &
    writer=$!
    stop_in_mid_stream
    kill -KILL "$writer" 2>/dev/null || true
    wait "$writer" 2>/dev/null || true
    writer=
    rm "$tmp/in"
}

test_all_lines_are_counted_at_the_end
test_what_was_read_of_a_file_is_counted_when_stopped
test_what_was_read_of_a_stream_is_counted_when_stopped
