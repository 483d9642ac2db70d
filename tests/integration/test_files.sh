#!/usr/bin/env bash
# file.Tail, file.Sink and text.Lines with everything that can be read from or written to.
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

# copy TAIL_CONFIG SINK_CONFIG [PORT]: runs tail and sink; stdin and stdout are the caller's.
copy() {
    cat >"$tmp/copy.yaml" <<YAML
troupe: 1
proc: copy
plugins: { path: ["$build_dir/plugins"] }
actors:
  tail: { type: file.Tail, config: { $1 } }
  sink: { type: file.Sink, config: { $2 } }
wires: [tail.line -> sink.${3:-record}]
YAML
    timeout 120 "$build_dir/troupe" run "$tmp/copy.yaml" 2>"$tmp/err"
}

expect() {
    printf "$1" | diff - "$tmp/out" >&2 || fail "$2"
}

expect_failure() {
    local status=0
    "${@:2}" || status=$?
    [ "$status" = 1 ] || fail "exit status $status, not 1"
    grep -qF -- "$1" "$tmp/err" || fail "stderr does not say: $1"
}

printf 'one\r\ntwo\n\nlast' >"$tmp/in"

copy "path: in" "format: text" >"$tmp/out"
expect 'one\ntwo\n\nlast\n' "a file, by a path relative to the manifest"

copy "path: in" "" >"$tmp/out"
expect '{"line":{"text":"one","number":1,"offset":0,"cut":false}}
{"line":{"text":"two","number":2,"offset":5,"cut":false}}
{"line":{"text":"","number":3,"offset":9,"cut":false}}
{"line":{"text":"last","number":4,"offset":10,"cut":false}}
' "lines as JSON"

cat "$tmp/in" | copy 'path: "-"' "format: text" >"$tmp/out"
expect 'one\ntwo\n\nlast\n' "a pipe as standard input"

copy 'path: "-"' "format: text" <"$tmp/in" >"$tmp/out"
expect 'one\ntwo\n\nlast\n' "a file as standard input"

{ IFS= read -r first; copy 'path: "-"' "format: text" >"$tmp/out"; } <"$tmp/in"
expect 'two\n\nlast\n' "a file as standard input, begun by somebody else"

copy 'path: "-"' "format: text" </dev/null >"$tmp/out"
expect '' "nothing as standard input"

mkfifo "$tmp/fifo"
cat "$tmp/in" >"$tmp/fifo" &
copy "path: fifo" "format: text" >"$tmp/out"
expect 'one\ntwo\n\nlast\n' "a FIFO"
wait

printf '12345\n123456\r\n12345678\n\n' >"$tmp/long"
copy "path: long, max_line: 5B" "" >"$tmp/out"
expect '{"line":{"text":"12345","number":1,"offset":0,"cut":false}}
{"line":{"text":"12345","number":2,"offset":6,"cut":true}}
{"line":{"text":"12345","number":3,"offset":14,"cut":true}}
{"line":{"text":"","number":4,"offset":23,"cut":false}}
' "lines too long"
grep -q "longer than max_line" "$tmp/err" || fail "a cut line is not warned of"

awk 'BEGIN { for (i = 1; i <= 200000; i++) print "line", i }' >"$tmp/many"
copy "path: many" "path: copied, format: text"
cmp "$tmp/many" "$tmp/copied" || fail "many lines, through a file"
copy "path: in" "path: copied, format: text"
[ "$(wc -l <"$tmp/copied")" = 200004 ] || fail "a sink appends"
copy "path: in" "path: copied, format: text, append: false"
[ "$(wc -l <"$tmp/copied")" = 4 ] || fail "a sink can begin anew"

cat >"$tmp/last.yaml" <<YAML
troupe: 1
proc: last
plugins: { path: ["$build_dir/plugins"] }
actors:
  first: { type: file.Tail, config: { path: in } }
  second: { type: file.Tail, config: { path: many } }
  sink: { type: file.Sink, config: { format: text } }
wires:
  - first.line -> sink.last
  - second.line -> sink.record
YAML
timeout 120 "$build_dir/troupe" run "$tmp/last.yaml" >"$tmp/out" 2>"$tmp/err"
{ cat "$tmp/many"; printf 'one\ntwo\n\nlast\n'; } | cmp - "$tmp/out" ||
    fail "what comes to the port last is not last"

cat >"$tmp/lines.yaml" <<YAML
troupe: 1
proc: lines
plugins: { path: ["$build_dir/plugins"] }
actors:
  tail: { type: file.Tail, config: { path: "\${INPUT}", send: chunks } }
  lines: { type: text.Lines }
  sink: { type: file.Sink, config: { format: text } }
wires:
  - tail.chunk -> lines.chunk
  - lines.line -> sink.record
YAML
for input in in many; do
    INPUT=$tmp/$input timeout 120 "$build_dir/troupe" run "$tmp/lines.yaml" >"$tmp/out" 2>"$tmp/err"
    { tr -d '\r' <"$tmp/$input"; [ "$input" != in ] || echo; } | cmp - "$tmp/out" ||
        fail "chunks of '$input' do not make its lines"
done

expect_failure "cannot open '$tmp/missing': No such file or directory" copy "path: missing" ""
expect_failure "cannot open '$tmp/.': Is a directory" copy "path: ." ""
expect_failure "cannot open '$tmp/no/out': No such file or directory" copy "path: in" "path: no/out"
expect_failure "cannot write to '/dev/full': No space left on device" \
    copy "path: in" "path: /dev/full, flush: 1h" # at the end: what fails before is tried again
reader_gone() {
    # Opened for reading until the other end is open too: then nobody reads.
    mkfifo "$tmp/gone"
    exec 6<>"$tmp/gone" 7>"$tmp/gone"
    exec 6<&-
    copy "path: many" "" >&7
}
expect_failure "cannot write to the standard output: Broken pipe" reader_gone

echo "ok"
