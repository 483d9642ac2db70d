#!/usr/bin/env bash
# The manifests of the checkout are all valid, and those that end by themselves do what they say.
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

# run MANIFEST [KEY: VALUE]...: with these lines laid over it.
run() {
    local name=$1
    shift
    cp "$tmp/plugins.yaml" "$tmp/over.yaml"
    [ $# = 0 ] || printf '%s\n' "$@" >>"$tmp/over.yaml"
    timeout 120 "$build_dir/troupe" run "$source_dir/manifests/$name.yaml" "$tmp/over.yaml" \
        >"$tmp/out" 2>"$tmp/err" || fail "$name: exit status $?"
}

expect() {
    printf '%s\n' "$1" | diff - "$tmp/out" >&2 || fail "$2"
}

for manifest in "$source_dir"/manifests/*.yaml; do
    "$build_dir/troupe" check "$manifest" "$tmp/plugins.yaml" >"$tmp/out" 2>"$tmp/err" ||
        fail "$manifest is not valid"
done

run ping-pong
expect '{"score":{"returned":10,"lost":0}}' "ping-pong"
run ping-pong 'actors: { ping: { config: { count: 5000 } } }'
expect '{"score":{"returned":5000,"lost":0}}' "ping-pong with more balls"

run ring
expect '{"token":{"hops":1000}}' "ring"

run children
expect '{"total":{"jobs":1000,"sum":333833500}}' "children"
run children 'actors: { spawner: { config: { workers: 1, jobs: 3 } } }'
expect '{"total":{"jobs":3,"sum":14}}' "children, one of them"

run ticker 'actors: { ticker: { config: { every: 1ms, count: 4 } } }'
[ "$(sed -E 's/,"missed":[0-9]+,"at":"[^"]+"//' "$tmp/out" | tr -d '\n')" = \
    '{"tick":{"number":1}}{"tick":{"number":2}}{"tick":{"number":3}}{"tick":{"number":4}}' ] ||
    fail "ticker"

run look 'actors: { ticker: { config: { every: 1ms } } }'
[ "$(sed -E 's/,"status.*//' "$tmp/out" | sort | uniq -c | tr -s ' ')" = ' 3 {"seen":{"id":"look/sink[0]"' ] ||
    fail "look"

printf 'one\r\ntwo' | run lines
expect 'one
two' "lines"

# Of 230 ticks those arrive that nobody died on; elsewhere faults are not contained.
if ! grep -qE '^TROUPE_SANITIZE:[A-Z]*=.*(address|thread)' "$build_dir/CMakeCache.txt"; then
    run trouble "snapshots: { directory: '$tmp/trouble' }"
    sleepy=$(sed -nE 's/.*  trouble\/sleepy\[0\]: .* ([0-9]+) quarantined.*/\1/p' "$tmp/err")
    [ "$(wc -l <"$tmp/out")" -eq $((230 - 5 - sleepy)) ] || fail "trouble: $(wc -l <"$tmp/out") ticks arrived"
    for word in 'shaky\[0\]: 5 failures, 5 quarantined' 'stubborn\[0\]: 3 failures, 3 retried' \
        'scribe\[2\]: 3 failures, 3 quarantined' "actor 'trouble/books\[0\]' failed: child"; do
        grep -q "$word" "$tmp/err" || fail "trouble: '$word' was not said"
    done
    "$build_dir/troupe" post-mortem "$tmp/trouble" >"$tmp/out" || fail "trouble: a post-mortem cannot be read"
    [ "$(grep -c ' shaky-' "$tmp/out")" -eq 5 ] || fail "trouble: $(cat "$tmp/out")"
    "$build_dir/troupe" post-mortem --last "$tmp/trouble" >"$tmp/out" || fail "trouble: nothing is the last"
    grep -q '^  handler  ' "$tmp/out" || grep -q 'crashed in' "$tmp/out" || fail "trouble: the last: $(cat "$tmp/out")"
fi

echo "ok"
