#!/usr/bin/env bash
# FC-2 on AArch64: its boundary in assembly and the portable one, built by a cross compiler and run under
# emulation, with every kind of fault there is. What qemu-user cannot show: the wide registers of SVE in
# a signal's frame, pointer authentication and branch targets enforced by a kernel, and core files.
set -euo pipefail
source_dir=${TROUPE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
cc=aarch64-linux-gnu-gcc
for tool in $cc qemu-aarch64; do
    command -v $tool >/dev/null || {
        echo "skipped: there is no $tool; host/packages.sh names the packages"
        exit 77
    }
done
export QEMU_LD_PREFIX=/usr/aarch64-linux-gnu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
ulimit -c 0

flags=(-O2 -g -std=gnu11 -Wall -Wextra -Werror -fno-omit-frame-pointer -fasynchronous-unwind-tables
    -I"$source_dir/host" -I"$source_dir/plugin-sdk/include" -I"$source_dir/tests")
$cc "${flags[@]}" -shared -fPIC -fvisibility=hidden \
    "$source_dir/tests/fixtures/plugins/bad_faulty/bad_faulty.c" -o "$tmp/bad_faulty.so"

# build NAME FLAG...
build() {
    local name=$1
    shift
    $cc "${flags[@]}" -D_GNU_SOURCE "$@" "$source_dir/tests/fixtures/emulated/faults.c" \
        "$source_dir"/host/sched/fault*.c "$source_dir/host/sched/fault_aarch64.S" \
        "$source_dir"/host/base/{alloc,err}.c -pthread -ldl -o "$tmp/$name"
}

# run PROGRAM CASE STATUS: STATUS is 0, or `fatal` for an end by SIGSEGV or SIGABRT.
run() {
    local status=0
    { timeout 60 qemu-aarch64 "$tmp/$1" "$tmp/bad_faulty.so" "$2" >"$tmp/out" 2>&1 || status=$?; } 2>/dev/null
    case $3:$status in
        0:0) grep -qx ok "$tmp/out" ;;
        fatal:139 | fatal:134) [ "$2" = raise ] || grep -q '^troupe: the process ends, because ' "$tmp/out" ;;
        *) false ;;
    esac || {
        echo "FAILED: $1, $2: exit status $status"
        sed 's/^/  /' "$tmp/out"
        exit 1
    }
}

build assembly &
build portable -DFAULT_PORTABLE
wait $!
for program in assembly portable; do
    for kind in null non_canonical divide illegal bus jump overflow memcpy strlen abort assert loop \
        malloc_loop wait memory-functions nested registers; do
        run $program $kind 0
    done
    for kind in snprintf fprintf free malloc double_free heap qsort smash raise host; do
        run $program $kind fatal
    done
done
echo "ok"
