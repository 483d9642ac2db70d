#!/usr/bin/env bash
# FC-2: a fault in an actor's code is its failure alone, told with a backtrace, where it is safe to go
# on; elsewhere, and where the manifest wants it, the process says what happened and dies of the signal.
set -euo pipefail
source_dir=${TROUPE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build_dir=${TROUPE_BUILD_DIR:-$source_dir/build}
if grep -qE '^TROUPE_SANITIZE:[A-Z]*=.*(address|thread)' "$build_dir/CMakeCache.txt"; then
    echo "skipped: this sanitizer has handlers of its own, and faults are not contained"
    exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cat >"$tmp/plugins.yaml" <<YAML
troupe: 1
plugins: { path: ["$build_dir/plugins"] }
supervision: { intensity: 0 }
actors: { ticker: { config: { every: 1ms } } }
YAML
ulimit -c 0

fail() {
    echo "FAILED: $*" >&2
    sed 's/^/  stderr: /' "$tmp/err" >&2
    exit 1
}

# crash STATUS SETTINGS: runs the manifest with these settings of the actor, wants this exit status;
# fatal: that of SIGSEGV or SIGABRT.
crash() {
    local want=$1 status=0
    printf 'troupe: 1\nactors: { crash: { %s } }\n' "$2" >"$tmp/over.yaml"
    { timeout 60 "$build_dir/troupe" run "$source_dir/manifests/crash.yaml" "$tmp/plugins.yaml" \
        "$tmp/over.yaml" >"$tmp/out" 2>"$tmp/err" || status=$?; } 2>"$tmp/shell"
    if [ "$want" = fatal ]; then
        [ $status -eq 139 ] || [ $status -eq 134 ] || fail "$2: exit status $status instead of a signal's"
    else
        [ $status -eq "$want" ] || fail "$2: exit status $status instead of $want"
    fi
}

said() {
    grep -qE -- "$1" "$tmp/err" || fail "nothing on stderr matches '$1'"
}

not_said() {
    ! grep -qE -- "$1" "$tmp/err" || fail "stderr should not match '$1'"
}

kinds='segv:SIGSEGV wild:SIGSEGV bus:SIGBUS ill:SIGILL abort:SIGABRT assert:SIGABRT overflow:SIGSEGV jump:SIGSEGV'
kinds="$kinds memcpy:SIGSEGV strlen:SIGSEGV"
[ "$(uname -m)" != x86_64 ] || kinds="$kinds fpe:SIGFPE"
for threads in pool own; do
    for kind in $kinds; do
        crash 1 "thread: $threads, config: { kind: ${kind%%:*} }"
        said "actor 'crash/crash\[0\]' failed: message: panic: ${kind##*:}"
        not_said 'cleaned up'
        [ "$(wc -l <"$tmp/out")" -eq 2 ] || fail "$kind: the discarded turn sent something"
        if grep -q '^TROUPE_LIBDW:BOOL=ON' "$build_dir/CMakeCache.txt" && [ "${kind%%:*}" != overflow ]; then
            said "#[0-9]+ die_${kind%%:*} at plugins/demo/crash_ways\.c:[0-9]+ \(demo\.so, generation [0-9]+\)"
        fi
    done
done

for kind in free snprintf fprintf malloc double_free heap qsort smash; do
    crash fatal "config: { kind: $kind }"
    said '^troupe: SIG(SEGV|ABRT).* in crash/crash\[0\]'
    said '^troupe: the process ends, because '
    not_said 'failed'
done
for kind in slow leak spawn_bomb; do
    crash 0 "config: { kind: $kind, time: 1ms }"
    [ "$(wc -l <"$tmp/out")" -eq 5 ] || fail "$kind: not all was passed on"
done
crash 1 'config: { kind: error }'
said "failed: message: asked to fail"

crash 1 'config: { at: init, kind: segv }'
said "failed: init: panic: SIGSEGV at address 0x0"
not_said 'cleaned up'
crash 1 'config: { at: cleanup, kind: abort }'
said "failed: cleanup: panic: SIGABRT"

crash 139 'config: { kind: free }'
said "^troupe: SIGSEGV at address 0x[0-9a-f]+ in crash/crash\[0\], 'message'$"
said '^troupe: the process ends, because it happened in code of a library or the host'
said '^  #1 demo\.so, generation [0-9]+ \+ 0x[0-9a-f]+$'

crash 139 'on_fault: exit, config: { kind: overflow }'
said "SIGSEGV, stack overflow in 'message'; the process ends, because of 'on_fault: exit'"
crash 134 'on_fault: exit, config: { kind: abort }'
said "SIGABRT in 'message'; the process ends"

# told [WORD...]: one post-mortem was left, and has these in it.
told() {
    local files=("$STATE_DIRECTORY"/dead/*)
    [ ${#files[@]} -eq 1 ] || fail "not one file but these: ${files[*]}"
    [[ ${files[0]##*/} =~ ^process-[0-9]{8}T[0-9]{6}Z-[0-9]+\.json$ ]] || fail "its name is ${files[0]##*/}"
    said "^troupe: post-mortem: ${files[0]}$"
    for word; do
        grep -qF -- "$word" "${files[0]}" || fail "$word does not stand in: $(cat "${files[0]}")"
    done
    rm "${files[0]}"
}
export STATE_DIRECTORY=$tmp
printf 'snapshots: { directory: dead }\n' >>"$tmp/plugins.yaml"
crash 139 'config: { kind: free }'
told '"signal": "SIGSEGV"' '"actor": "crash/crash[0]"' '"handler": "message"' '"why": "it happened in code of a library' \
    '"proc": "crash"' "\"version\": \"$("$build_dir/troupe" version | sed -nE '1s/^troupe ([0-9.]+).*/\1/p')\"" \
    '"module": "demo.so, generation ' "\"file\": \"$build_dir/plugins/demo.so\""
crash 139 'thread: own, config: { kind: qsort, at: timer }'
told '"handler": "alarm"' '"why": "other code stands between the plugin and the host"'
crash 134 'config: { kind: double_free, at: cleanup }'
told '"handler": "cleanup"'
crash 134 'on_fault: exit, config: { kind: abort }'
told '"signal": "SIGABRT"' "('on_fault: exit')" '"actor": "crash/crash[0]"'
crash 1 'config: { kind: segv }'
[ -z "$(ls -A "$tmp/dead" | grep -E '^[.]?process-')" ] || fail "an actor's failure left: $(ls -A "$tmp/dead")"
ls "$tmp/dead" | grep -q '^crash-0[.]1-.*[.]json$' || fail "no post-mortem of the actor in: $(ls -A "$tmp/dead")"
rm -r "$tmp/dead"
touch "$tmp/dead"
crash 1 'config: { kind: segv }'
said "snapshots.directory: .*cannot open the folder '$tmp/dead'.*: Not a directory"

echo "ok"
