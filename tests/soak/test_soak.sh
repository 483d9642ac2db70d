#!/usr/bin/env bash
# A soak: auth-watch at full speed, while about twice a second one of its actors dies: of an error, of each
# signal, of a stack overflow, of hangs, in the middle of its work. Nothing is lost but what is said to be,
# and the process does not grow.
#
# A minute; TROUPE_SOAK_SECONDS=600 for ten, TROUPE_SOAK_KEEP=FOLDER to keep logs and post-mortems. Two deployments one after the other, for two thirds and one
# third of the time: the first with a checkpoint after each message, so that no state is lost, the second
# with one each 1000. In both:
#
#   lines fed into the stream = counted + quarantined by those in front of the count + lost with its state
#
# where the feeder says how many were fed, the summary how many were counted, and what the run says at
# its end the rest. Beside it a tail that follows a file dies as often, and sends each line once.
#
# Nothing here depends on how fast the machine is: a slow one has fewer lines.
set -euo pipefail
source_dir=${TROUPE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build_dir=${TROUPE_BUILD_DIR:-$source_dir/build}
if grep -qE '^TROUPE_SANITIZE:[A-Z]*=.*(address|thread)' "$build_dir/CMakeCache.txt"; then
    echo "skipped: this sanitizer has handlers of its own, and faults are not contained"
    exit 77
fi
seconds=${TROUPE_SOAK_SECONDS:-60}
tmp=$(mktemp -d)
pid=
feeder=
cleanup() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    [ -z "$feeder" ] || kill -KILL "$feeder" 2>/dev/null || true
    rm -rf "$tmp"
}
trap cleanup EXIT
ulimit -c 0

fail() {
    echo "FAILED: $*" >&2
    [ ! -s "$tmp/err" ] || tail -30 "$tmp/err" | sed 's/^/  stderr: /' >&2
    exit 1
}
trap 'fail "the command in line $LINENO"' ERR

warm_up=15 # seconds: until each way of dying was tried, which loads what it needs
patience=300

# manifest MESSAGES: how often there is a checkpoint.
manifest() {
    local mortal="checkpoint: { messages: $1 }, stuck_after: 300ms, on_stuck: restart"
    cat >"$tmp/soak.yaml" <<YAML
troupe: 1
proc: soak
plugins: { path: ["$tmp/plugins"] }
stop: { timeout: 60s }
supervision: { intensity: 1000, period: 10s, backoff: { initial: 1ms, max: 50ms } }
snapshots: { keep: 20, directory: "$tmp/dead" }
quarantine: { keep: 20 }
actors:
  tail: { type: file.Tail, config: { path: "$tmp/in" } }
  parse: { type: syslog.Parse, $mortal }
  window: { type: stats.Window, config: { by: source, span: 60s }, $mortal }
  count: { type: stats.Count, $mortal }
  sink: { type: file.Sink, config: { path: "$tmp/said" } }
  follow:
    type: file.Tail
    config: { path: "$tmp/log", follow: true, poll: 10ms }
    checkpoint: { messages: 1 }
    stuck_after: 300ms
    on_stuck: restart
  followed: { type: file.Sink, config: { path: "$tmp/followed" } }
wires:
  - tail.line -> parse.line
  - parse.event -> window.event
  - parse.event -> count.event
  - window.alert -> sink.record
  - count.summary -> sink.last
  - follow.line -> followed.record
YAML
}

# sample SECOND: a line of resident KiB, threads, descriptors, mappings.
sample() {
    local fds=("/proc/$pid/fd"/*) maps
    mapfile -t maps <"/proc/$pid/maps"
    awk -v second="$1" -v fds=${#fds[@]} -v maps=${#maps[@]} '
        /^VmRSS/ { rss = $2 }
        /^Threads/ { threads = $2 }
        END { print second, rss, threads, fds, maps }' "/proc/$pid/status" >>"$tmp/samples"
}

# wait_for FILE PATTERN: until a line of the file matches.
wait_for() {
    timeout $patience grep -qm1 -- "$2" <(exec tail --pid=$pid -n +1 -F "$1" 2>/dev/null) ||
        fail "no line with '$2' came into ${1##*/}"
}

# soak SECONDS MESSAGES FOREVER
soak() {
    local word status=0
    rm -rf "$tmp"/{in,log,said,followed,samples,dead}
    manifest "$2"
    mkfifo "$tmp/in"
    : >"$tmp/said"
    : >"$tmp/followed"
    : >"$tmp/log"
    "$build_dir/troupe" run "$tmp/soak.yaml" >"$tmp/out" 2>"$tmp/err" &
    pid=$!
    mkfifo "$tmp/told"
    "$build_dir/tests/soak/feed" "$1" "$tmp/in" "$tmp/log" "$3" >"$tmp/told" &
    feeder=$!
    while read -r word fed in_file deadly; do
        kill -0 "$pid" 2>/dev/null || fail "it has ended"
        [ "$word" = second ] || break
        sample "$fed"
    done <"$tmp/told"
    rm "$tmp/told"
    [ "$word" = fed ] || fail "the feeder ended without a sum"
    wait $feeder
    feeder=
    wait_for "$tmp/said" '"summary"'
    wait_for "$tmp/followed" 'the\.end'
    kill -TERM "$pid"
    wait "$pid" || status=$?
    pid=
    [ $status -eq 0 ] || fail "it ended with status $status"
}

# cost ACTOR WORD: the number before WORD in what the run said of the actor at its end.
cost() {
    sed -nE "s/.*  soak\/$1\[0\]: .*[ ,]([0-9]+) $2.*/\1/p" "$tmp/err" | grep . || echo 0
}

check_lines() {
    local counted quarantined lost
    counted=$(sed -nE 's/.*"lines":([0-9]+).*/\1/p' "$tmp/said" | tail -1)
    quarantined=$(($(cost parse quarantined) + $(cost count quarantined)))
    lost=$(cost count 'lost with state')
    echo "  $fed lines fed = $counted counted + $quarantined quarantined + $lost lost with state"
    [ "$fed" -eq $((counted + quarantined + lost)) ] ||
        fail "$((fed - counted - quarantined - lost)) lines are missing"
    # what dies while its state is being saved has handled one message more than was saved
    [ "$1" -gt 1 ] || [ "$lost" -eq "$(grep -cE "actor 'soak/count\[0\]' failed: save:" "$tmp/err")" ] ||
        fail "state was lost in spite of a checkpoint after each message"
    sed -nE '/messages that failures cost|  soak\/[a-z]+\[0\]: [0-9]+ failure/s/^[^ ]* *[a-z]* */  /p' "$tmp/err"
}

check_file() {
    awk -v want="$in_file" 'match($0, /"number":[0-9]+/) {
        number = substr($0, RSTART + 9, RLENGTH - 9) + 0
        if (number != before + 1) {
            print "  line " number " came after line " before
            bad = 1
        }
        before = number
    }
    END {
        print "  " want " lines followed, " before " came, each once and in order"
        exit bad || before != want
    }' "$tmp/followed" || fail "the lines of the file did not come once each, in order"
}

check_deaths() {
    echo "  deaths, of $deadly deadly lines, and how:"
    sed -nE "s/.* actor 'soak\/([a-z]+)\[0\]' failed: ([^;]*).*/\1 \2/p" "$tmp/err" |
        sed -E 's/ ([a-z]+): panic: (SIG[A-Z]+)(, stack overflow)?.*/ \2\3/; s/stuck: .*/stuck/; s/ [a-z]+: (stuck|asked)/ \1/' |
        sort | uniq -c | sed 's/^/  /'
    local deaths
    deaths=$(grep -cE "actor 'soak/[a-z]+\[0\]' failed: " "$tmp/err")
    [ "$deaths" -ge $((deadly / 2)) ] || fail "only $deaths deaths"
    "$build_dir/troupe" post-mortem "$tmp/dead" >"$tmp/list" 2>&1 || fail "$(cat "$tmp/list")"
    echo "  $(wc -l <"$tmp/list") post-mortems can be read"
}

# The largest of each figure, and the mean, of the two halves behind the warm-up.
check_flat() {
    awk -v skip=$warm_up '
    NR > skip { n++; for (i = 2; i <= 5; i++) value[i, n] = $i }
    END {
        if (n < 4) {
            print "  too short to compare two halves"
            exit 0
        }
        split("- resident_KiB threads descriptors mappings", name)
        split("- 4096 2 4 16", more)
        half = int(n / 2)
        for (i = 2; i <= 5; i++) {
            most[1] = most[2] = sum[1] = sum[2] = 0
            for (k = 1; k <= 2 * half; k++) {
                h = k <= half ? 1 : 2
                sum[h] += value[i, k]
                most[h] = value[i, k] > most[h] ? value[i, k] : most[h]
            }
            margin = more[i] + (i == 2 ? most[1] / 20 : 0)
            printf "  %-13s first half: mean %.1f, most %d; second half: mean %.1f, most %d\n", name[i],
                sum[1] / half, most[1], sum[2] / half, most[2]
            if (most[2] > most[1] + margin) {
                printf "  %s grew beyond the margin of %d\n", name[i], margin
                bad = 1
            }
        }
        exit bad
    }' "$tmp/samples" || fail "the process grew"
}

# run NAME SECONDS MESSAGES FOREVER
run() {
    echo "$1, for $2 seconds"
    soak "$2" "$3" "$4"
    if [ -n "${TROUPE_SOAK_KEEP:-}" ]; then
        mkdir -p "$TROUPE_SOAK_KEEP/$3"
        cp -r "$tmp/err" "$tmp/dead" "$tmp/samples" "$TROUPE_SOAK_KEEP/$3/"
    fi
    check_lines "$3"
    check_file
    check_deaths
    check_flat
}

mkdir "$tmp/plugins"
ln -s "$build_dir/test-plugins/mortal.so" "$tmp/plugins/mortal.so"
run "a checkpoint after each message" $((seconds * 2 / 3)) 1 1
run "a checkpoint after 1000 messages" $((seconds / 3)) 1000 0
echo "ok"
