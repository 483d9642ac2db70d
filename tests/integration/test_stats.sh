#!/usr/bin/env bash
# syslog.Parse, stats.Window and stats.Count on logs made for the purpose: forms, order, limits.
set -euo pipefail
source_dir=${TROUPE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build_dir=${TROUPE_BUILD_DIR:-$source_dir/build}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail() {
    echo "FAILED: $*" >&2
    [ ! -s "$tmp/err" ] || sed 's/^/  stderr: /' "$tmp/err" >&2
    exit 1
}
trap 'fail "the command in line $LINENO"' ERR

# watch [KEY: VALUE]...: auth-watch on $tmp/log, with these lines laid over it.
watch() {
    printf '%s\n' "troupe: 1" "plugins: { path: [\"$build_dir/plugins\"] }" "$@" >"$tmp/over.yaml"
    AUTH_LOG=$tmp/log timeout 120 "$build_dir/troupe" run "$source_dir/manifests/auth-watch.yaml" \
        "$tmp/over.yaml" >"$tmp/out" 2>"$tmp/err"
}

expect() {
    printf '%s\n' "${@:2}" | diff - "$tmp/out" >&2 || fail "$1"
}

# refuse TIME SOURCE...: a line of a refused password for each source.
refuse() {
    local at=$1 source
    shift
    for source; do
        echo "$at h sshd[1]: Failed password for root from $source port 22 ssh2"
    done
}

# The same five refusals in every form.
for form in '2016-12-10T06:55:4%dZ h sshd[1]: ' '<86>2016-12-10T07:55:4%d.0+01:00 h sshd[1]: ' \
    '<86>1 2016-12-10T06:55:4%dZ h sshd 1 - [a b="]"] ' 'Dec 10 06:55:4%d h sshd[1]: ' \
    '<86>Dec 10 06:55:4%d sshd-session[1]: '; do
    for second in 1 2 3 4 5; do
        printf "$form" "$second"
        echo "Failed password for root from 192.0.2.7 port 22 ssh2"
    done >"$tmp/log"
    watch 'actors: { parse: { config: { year: 2016, zone: utc } } }'
    expect "lines like '$form'" \
        '{"alert":{"source":"192.0.2.7","failed":5,"first":"2016-12-10T06:55:41Z","last":"2016-12-10T06:55:45Z"}}' \
        '{"summary":{"lines":5,"failed":5,"accepted":0,"sources":[{"source":"192.0.2.7","failed":5}]}}'
done

# A burst, and events late by less than the span; with `again`, also the next, after the window was empty.
{
    for at in 06:00:00 06:00:20 06:00:10 06:01:15 06:02:00 06:03:01 06:03:31 06:04:01; do
        refuse "2016-12-10T${at}Z" ::1
    done
} >"$tmp/log"
watch 'actors: { window: { config: { threshold: 3 } } }'
expect "the first burst of one source" \
    '{"alert":{"source":"::1","failed":3,"first":"2016-12-10T06:00:00Z","last":"2016-12-10T06:00:20Z"}}' \
    '{"summary":{"lines":8,"failed":8,"accepted":0,"sources":[{"source":"::1","failed":8}]}}'
watch 'actors: { window: { config: { threshold: 3, again: true } } }'
expect "bursts of one source" \
    '{"alert":{"source":"::1","failed":3,"first":"2016-12-10T06:00:00Z","last":"2016-12-10T06:00:20Z"}}' \
    '{"alert":{"source":"::1","failed":3,"first":"2016-12-10T06:03:01Z","last":"2016-12-10T06:04:01Z"}}' \
    '{"summary":{"lines":8,"failed":8,"accepted":0,"sources":[{"source":"::1","failed":8}]}}'

# More sources than there is room for: the window forgets those seen longest ago, and says so; the
# totals stay right.
{
    refuse 2016-12-10T06:00:00Z old old old old
    for i in $(seq 1 200); do
        refuse 2016-12-10T06:00:01Z "10.0.0.$i"
    done
    refuse 2016-12-10T06:00:02Z old new new new new new
} >"$tmp/log"
watch 'actors:' '  window: { config: { max_sources: 100 } }' '  count: { config: { max_sources: 2 } }'
expect "too many sources" \
    '{"alert":{"source":"new","failed":5,"first":"2016-12-10T06:00:02Z","last":"2016-12-10T06:00:02Z"}}' \
    '{"summary":{"lines":210,"failed":210,"accepted":0,"sources":[{"source":"old","failed":5},{"source":"10.0.0.1","failed":1}]}}'
grep -q "forgetting 'old'" "$tmp/err" || fail "a forgotten source is not logged"
grep -q "103 sources were forgotten" "$tmp/err" || fail "forgotten sources are not counted"
grep -q "204 failures are of no source listed" "$tmp/err" || fail "unlisted failures are not counted"

# By another field, each message counting one: the window knows no fields but those it is told.
{
    for i in 1 2 3; do
        echo "2016-12-10T06:00:0${i}Z h cron[$i]: hello"
        echo "2016-12-10T06:00:0${i}Z h at[7]: hello"
    done
} >"$tmp/log"
watch 'actors: { window: { config: { by: pid, count: "", threshold: 3 } } }'
expect "a window by number" \
    '{"alert":{"source":"7","failed":3,"first":"2016-12-10T06:00:01Z","last":"2016-12-10T06:00:03Z"}}' \
    '{"summary":{"lines":6,"failed":0,"accepted":0,"sources":[]}}'

# A field that is not there is found before anything runs.
status=0
watch 'actors: { window: { config: { by: sauce } } }' || status=$?
[ "$status" = 78 ] || fail "a wrong field: exit status $status, not 78"
grep -q "did you mean 'source'" "$tmp/err" || fail "a wrong field is not explained"

echo "ok"
