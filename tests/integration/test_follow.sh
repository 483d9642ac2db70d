#!/usr/bin/env bash
# file.Tail follows a log through everything that is done to logs, and loses and doubles no line.
# Every step waits for the line that shows it; the time limits only keep a failure from hanging.
set -euo pipefail
source_dir=${TROUPE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build_dir=${TROUPE_BUILD_DIR:-$source_dir/build}
tmp=$(mktemp -d)
log=$tmp/log
pid=
cleanup() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    rm -rf "$tmp"
}
trap cleanup EXIT

fail() {
    echo "FAILED: $*" >&2
    [ ! -s "$tmp/err" ] || sed 's/^/  stderr: /' "$tmp/err" >&2
    exit 1
}

# start [SETTING]: follows $log; its lines come out of descriptor 5.
start() {
    cat >"$tmp/follow.yaml" <<YAML
troupe: 1
proc: follow
plugins: { path: ["$build_dir/plugins"] }
actors:
  tail:
    type: file.Tail
    config: { path: "$log", follow: true, poll: 5ms ${1:+, $1} }
  sink:
    type: file.Sink
    config: { format: text, flush: 0s }
wires: [tail.line -> sink.record]
YAML
    mkfifo "$tmp/fifo"
    "$build_dir/troupe" run "$tmp/follow.yaml" >"$tmp/fifo" 2>"$tmp/err" &
    pid=$!
    exec 5<"$tmp/fifo"
    rm "$tmp/fifo"
}

# stop: ends it; whatever it still had to say must have been expected.
stop() {
    local status=0 rest
    kill -TERM "$pid"
    rest=$(timeout 60 cat <&5)
    wait "$pid" || status=$?
    pid=
    exec 5<&-
    [ "$rest" = "${1:-}" ] || fail "at the end came '$rest', not '${1:-}'"
    [ "$status" = 0 ] || fail "it ended with status $status"
}

expect() {
    local line wanted
    for wanted; do
        IFS= read -r -t 60 -u 5 line || fail "'$wanted' did not come"
        [ "$line" = "$wanted" ] || fail "'$line' came, not '$wanted'"
    done
}

# let_it_look [FILE]: waits until the follower has its file open, and has looked at it many times more.
let_it_look() {
    local before now
    until { readlink "/proc/$pid/fd/"* 2>/dev/null || true; } |
        grep -xF -e "${1:-$log}" -e "$log (deleted)" -e "$log.1" >/dev/null; do
        kill -0 "$pid" 2>/dev/null || fail "it has ended"
    done
    before=$(awk '/^syscr/ { print $2 }' "/proc/$pid/io")
    for ((i = 0; ; i++)); do
        now=$(awk '/^syscr/ { print $2 }' "/proc/$pid/io")
        [ $((now - before)) -lt 20 ] || return 0
        [ "$i" -lt 20000 ] || fail "it has stopped looking at its file"
    done
}

wait_for_log() {
    for ((i = 0; ; i++)); do
        ! grep -qF "$1" "$tmp/err" || return 0
        kill -0 "$pid" 2>/dev/null || fail "it has ended"
        [ "$i" -lt 20000 ] || fail "it did not say '$1'"
    done
}

echo "a file that grows, line by line and by parts of lines"
printf 'one\ntwo\n' >"$log"
start
expect one two
echo three >>"$log"
expect three
printf 'fo' >>"$log"
let_it_look
printf 'ur\r' >>"$log"
let_it_look
printf '\nfive\n' >>"$log"
expect four five

echo "rotation by renaming, with a writer who is late to change over"
mv "$log" "$log.1"
echo six >>"$log.1"
expect six
: >"$log"
let_it_look
echo seven >>"$log.1"
expect seven
echo eight >>"$log.1"
echo nine >"$log"
expect eight nine

echo "rotation with a last line that has no end"
printf 'ten' >>"$log"
mv "$log" "$log.2"
echo eleven >"$log"
expect ten eleven

echo "rotation more than once between two looks"
let_it_look
kill -STOP "$pid"
echo 'eleven a' >>"$log"
for part in b c d; do
    [ ! -e "$log.1" ] || mv "$log.1" "$log.0"
    mv "$log" "$log.1"
    printf 'eleven %s' "$part" >"$log"
done
mv "$log.1" "$log.older"
echo ', the last' >>"$log"
kill -CONT "$pid"
expect 'eleven a' 'eleven b' 'eleven c' 'eleven d, the last'

echo "truncation, as by copytruncate"
cp "$log" "$log.3"
: >"$log"
let_it_look
echo twelve >>"$log"
expect twelve

echo "truncation to a file that has grown past the old place at once"
printf 'thirteen\nfourteen\nfifteen\n' >"$log.new"
cat "$log.new" >"$log"
expect thirteen fourteen fifteen

echo "a file that is removed and comes back"
rm "$log"
let_it_look
echo sixteen >"$log"
expect sixteen
printf 'unfinished' >>"$log"
let_it_look
stop

echo "a redirected standard input, beside a file of the name -"
printf 'one\n' >"$tmp/input"
sed "s|path: \"$log\"|path: '-'|" "$tmp/follow.yaml" >"$tmp/stdin.yaml"
mkfifo "$tmp/fifo"
(cd "$tmp" && exec "$build_dir/troupe" run stdin.yaml <input >fifo 2>err) &
pid=$!
exec 5<"$tmp/fifo"
rm "$tmp/fifo"
expect one
let_it_look "$tmp/input"
printf 'not ours\n' >"$tmp/-"
let_it_look "$tmp/input"
echo two >>"$tmp/input"
expect two
stop

echo "a link that is switched"
printf 'one\n' >"$tmp/first"
printf 'three\n' >"$tmp/second"
ln -sf first "$log"
start
expect one
ln -s second "$tmp/link"
echo two >>"$tmp/first"
mv -T "$tmp/link" "$log"
echo 'four' >>"$tmp/second"
expect two three four
stop

echo "a file that is not there yet"
rm -f "$log"
start
wait_for_log "waiting for '$log': No such file or directory"
printf 'one\n' >"$log"
expect one
stop

echo "from the end, in the middle of a line"
printf 'old\nbegun' >"$log"
start 'from: end'
let_it_look
printf ' and ended\nnew\n' >>"$log"
expect 'begun and ended' new
stop

echo "a thousand lines at a time, through rotation and truncation in turn"
: >"$log"
start
line=0
for round in 1 2 3 4 5 6 7 8 9 10; do
    for ((i = 0; i < 1000; i++)); do
        echo "line $((line + i))"
    done >>"$log"
    for ((i = 0; i < 1000; i++)); do
        IFS= read -r -t 60 -u 5 got || fail "'line $line' did not come"
        [ "$got" = "line $line" ] || fail "'$got' came, not 'line $line'"
        line=$((line + 1))
    done
    if [ $((round % 2)) = 0 ]; then
        mv "$log" "$log.old"
    else
        : >"$log"
    fi
done
stop

echo "ok"
