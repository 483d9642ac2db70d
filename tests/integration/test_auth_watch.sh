#!/usr/bin/env bash
# The main job, end to end: what manifests/auth-watch.yaml says of a log against an independent count
# by awk and grep. With ../shared/data/OpenSSH_2k.log beside the checkout, of that one too.
set -euo pipefail
source_dir=${TROUPE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build_dir=${TROUPE_BUILD_DIR:-$source_dir/build}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cat >"$tmp/plugins.yaml" <<YAML
troupe: 1
plugins: { path: ["$build_dir/plugins"] }
YAML

fail() {
    echo "FAILED: $*" >&2
    [ ! -s "$tmp/err" ] || sed 's/^/  stderr: /' "$tmp/err" >&2
    exit 1
}

# watch LOG: stdout to $tmp/out, stderr to $tmp/err, status to $status.
watch() {
    status=0
    AUTH_LOG=$1 timeout 120 "$build_dir/troupe" run "$source_dir/manifests/auth-watch.yaml" \
        "$tmp/plugins.yaml" >"$tmp/out" 2>"$tmp/err" || status=$?
}

# One row for each event of an sshd: "failed|accepted TIMES SECONDS SOURCE". Seconds are of the day.
events_of() {
    sed 's/\r$//' "$1" | awk '
        {
            clock = $3; tag = $5; first = 6
            if ($1 ~ /^[0-9]+-/) { clock = substr($1, 12, 15); tag = $3; first = 4 }
            if (tag !~ /^sshd\[[0-9]+\]:$/) next
            split(clock, c, ":")
            times = 1
            if ($first == "message" && $(first + 1) == "repeated") {
                times = $(first + 2)
                first += 5
                sub(/\]$/, "")
            }
            if ($first == "Failed" && $(first + 1) == "password") kind = "failed"
            else if ($first == "Accepted" && $(first + 2) == "for") kind = "accepted"
            else next
            source = "-"
            for (i = NF; i > first && source == "-"; i--)
                if ($i == "port" && $(i - 2) == "from") source = $(i - 1)
            printf "%s %d %.6f %s\n", kind, times, c[1] * 3600 + c[2] * 60 + c[3], source
        }'
}

expected_summary() {
    local log=$1 events=$tmp/events
    events_of "$log" >"$events"
    printf '{"summary":{"lines":%d,"failed":%d,"accepted":%d,"sources":[' \
        "$(grep -c '' "$log")" "$(awk '$1 == "failed" { n += $2 } END { print n + 0 }' "$events")" \
        "$(awk '$1 == "accepted" { n += $2 } END { print n + 0 }' "$events")"
    awk '$1 == "failed" { n[$4] += $2 } END { for (s in n) print n[s], s }' "$events" |
        LC_ALL=C sort -k1,1nr -k2,2 |
        awk '{ printf "%s{\"source\":\"%s\",\"failed\":%d}", (NR > 1 ? "," : ""), $2, $1 }'
    printf ']}}\n'
}

# Sources refused five times within 60 seconds, in the order in which they got there.
expected_alerts() {
    events_of "$1" | awk '
        $1 == "failed" && !($4 in told) {
            k = ++count[$4]; time[$4, k] = $3; times[$4, k] = $2
            sum = 0
            for (i = k; i > 0 && $3 - time[$4, i] <= 60; i--) sum += times[$4, i]
            if (sum >= 5) { told[$4] = 1; print $4 }
        }'
}

check_log() {
    local log=$1
    watch "$log"
    [ "$status" = 0 ] || fail "'$log': exit status $status"
    if grep -vnE '^\{"(alert|summary)":\{.*\}\}$' "$tmp/out"; then
        fail "'$log': stdout holds something else than alerts and a summary"
    fi
    expected_summary "$log" >"$tmp/expected"
    tail -n 1 "$tmp/out" | diff "$tmp/expected" - || fail "'$log': the summary is not last, or wrong"
    [ "$(grep -c '^{"summary"' "$tmp/out")" = 1 ] || fail "'$log': more than one summary"
    expected_alerts "$log" >"$tmp/expected"
    sed -nE 's/^\{"alert":\{"source":"([^"]*)".*/\1/p' "$tmp/out" |
        diff "$tmp/expected" - || fail "'$log': alerts of other sources than expected"
    if grep '^{"alert"' "$tmp/out" | grep -vE \
        '^\{"alert":\{"source":"[^"]+","failed":([5-9]|[1-9][0-9]+),"first":"[^"]+","last":"[^"]+"\}\}$'; then
        fail "'$log': an alert of another shape"
    fi
}

# The numbers of the sample are worth checking only when there is something to count.
check_log "$source_dir/manifests/sample/auth.log"
[ "$(wc -l <"$tmp/out")" -ge 3 ] || fail "the sample makes no two alerts"
grep -q '"127.0.0.40"' "$tmp/out" || fail "the slow source of the sample is missing"
cp "$tmp/out" "$tmp/sample.out"

# The manifest's own choice of log, found from any folder.
status=0
(cd / && env -u AUTH_LOG "$build_dir/troupe" run "$source_dir/manifests/auth-watch.yaml" \
    "$tmp/plugins.yaml") >"$tmp/out" 2>"$tmp/err" || status=$?
[ "$status" = 0 ] || fail "without AUTH_LOG: exit status $status"
diff "$tmp/sample.out" "$tmp/out" || fail "without AUTH_LOG it is not the sample that is read"

# A path from the environment is meant from where the caller stands, not from the manifest's folder.
cp "$source_dir/manifests/sample/auth.log" "$tmp/here.log"
status=0
(cd "$tmp" && AUTH_LOG=here.log "$build_dir/troupe" run "$source_dir/manifests/auth-watch.yaml" \
    "$tmp/plugins.yaml" >"$tmp/out" 2>"$tmp/err") || status=$?
[ "$status" = 0 ] || fail "with a relative AUTH_LOG: exit status $status: $(cat "$tmp/err")"
diff "$tmp/sample.out" "$tmp/out" || fail "a relative AUTH_LOG is not read from the current folder"

# CRs, and a last line without its end.
sed 's/$/\r/' "$source_dir/manifests/sample/auth.log" | head -c -2 >"$tmp/crlf.log"
check_log "$tmp/crlf.log"
diff "$tmp/sample.out" "$tmp/out" || fail "line ends make a difference"

# Lines in no known form are lines.
{ printf 'not a log line\n\n'; cat "$source_dir/manifests/sample/auth.log"; printf '\377\376\n<34>'; } \
    >"$tmp/mixed.log"
check_log "$tmp/mixed.log"

: >"$tmp/empty.log"
check_log "$tmp/empty.log"

loghub=$source_dir/../shared/data/OpenSSH_2k.log
if [ -f "$loghub" ]; then
    check_log "$loghub"
    grep -q '"lines":2000,' "$tmp/out" || fail "'$loghub' has 2000 lines"
else
    echo "no $loghub here: left out" >&2
fi

# A log that is not there ends the deployment, and says which.
watch "$tmp/missing.log"
[ "$status" = 1 ] || fail "a missing log: exit status $status, not 1"
! grep -v '^{"summary":{"lines":0,' "$tmp/out" || fail "a missing log: it was read all the same"
grep -qF "cannot open '$tmp/missing.log': No such file or directory" "$tmp/err" ||
    fail "a missing log is not named"

echo "ok"
