#!/usr/bin/env bash
# A program that hosts Troupe builds against the installed library, in C11 and C++17, shared and static,
# found by pkg-config and by CMake, and runs.
set -euo pipefail
source=${TROUPE_SOURCE_DIR:?} build=${TROUPE_BUILD_DIR:?}
example=$source/tests/fixtures/embed
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

fail() {
  echo "$*"
  exit 1
}

sanitize=$(sed -n 's/^TROUPE_SANITIZE:[A-Z]*=//p' "$build/CMakeCache.txt")
flags=(-Wall -Wextra -Wpedantic -Werror)
[ -z "$sanitize" ] || flags+=("-fsanitize=$sanitize")
cc=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
cxx=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")

cmake --install "$build" --prefix "$work/first" >"$work/log" || fail "$(cat "$work/log")"
mv "$work/first" "$prefix" # what is installed can be moved
lib=$(dirname "$(find "$prefix" -name pkgconfig -type d)")
export PKG_CONFIG_PATH=$lib/pkgconfig TROUPE_PLUGIN_PATH=$lib/troupe/plugins
for header in "$source"/host/app/include/troupe/*.h; do
  cmp "$header" "$prefix/include/troupe/${header##*/}"
done
[ "$(readlink "$lib/libtroupe.so")" = libtroupe.so.0 ] || fail "libtroupe.so is no link to libtroupe.so.0"
readelf -d "$lib/libtroupe.so" | grep -q 'SONAME.*\[libtroupe.so.0\]' || fail "the soname is not libtroupe.so.0"

read -ra cflags < <(pkg-config --cflags troupe)
read -ra shared < <(pkg-config --libs troupe)
read -ra static < <(pkg-config --static --libs-only-l troupe)
static=("$lib/libtroupe.a" $(printf '%s\n' "${static[@]}" | grep -vx -e -ltroupe))
"$cc" -std=c11 "${flags[@]}" "${cflags[@]}" "$example/main.c" -o "$work/c-shared" "${shared[@]}" "-Wl,-rpath,$lib"
"$cxx" -std=c++17 "${flags[@]}" "${cflags[@]}" -x c++ "$example/main.c" -x none -o "$work/cxx-shared" \
  "${shared[@]}" "-Wl,-rpath,$lib"
# A name that the host has inside is the program's to use.
printf 'int err_set(void);\nint err_set(void) { return 1; }\n' >"$work/own.c"
"$cc" -std=c11 "${flags[@]}" "${cflags[@]}" "$example/main.c" "$work/own.c" -o "$work/c-static" "${static[@]}"
generator=$(sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' "$build/CMakeCache.txt")
cmake -G "$generator" -S "$example" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
  -DCMAKE_C_FLAGS="${flags[*]}" >"$work/log" || fail "$(cat "$work/log")"
cmake --build "$work/cmake" >"$work/log" || fail "$(cat "$work/log")"
cp "$work/cmake/embed" "$work/c-cmake"
if readelf -d "$work/c-static" | grep -q 'NEEDED.*libtroupe'; then
  fail "c-static needs the shared library"
fi

printf 'one\ntwo\none\n' >"$work/input"
export INPUT=$work/input OUTPUT=$work/output
for program in c-shared cxx-shared c-static c-cmake; do
  rm -f "$work/output"
  "$work/$program" "$example/copy.yaml" >"$work/out" 2>"$work/err" ||
    fail "$program failed: $(cat "$work/out" "$work/err")"
  for line in 'ended: ok' 'stopped: embedded/read[0]' 'stopped: embedded/sink[0]'; do
    grep -qxF "$line" "$work/out" || fail "$program does not say '$line': $(cat "$work/out" "$work/err")"
  done
  grep -q '"one"' "$work/output" || fail "$program copied nothing: $(cat "$work/output")"
  "$work/$program" >"$work/out" 2>"$work/err" || fail "$program by hand: $(cat "$work/out" "$work/err")"
  for line in 'got back: 7' 'there is: embedded/pong[0], a demo.Pong, at 1' 'watched: stopped, stopped' \
    'in hand: 1 handled, not found any more' 'ended: ok' 'stopped: embedded/pong[0]'; do
    grep -qxF "$line" "$work/out" || fail "$program does not say '$line': $(cat "$work/out" "$work/err")"
  done
  # An error is one clear text, and no crash.
  if "$work/$program" "$work/missing.yaml" >"$work/out" 2>"$work/err"; then
    fail "$program runs a manifest that is not there"
  fi
  grep -qF "missing.yaml: invalid argument: error: cannot open" "$work/err" || fail "$program: $(cat "$work/err")"
done
echo "built four ways, and run"
