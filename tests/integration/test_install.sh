#!/usr/bin/env bash
# An installed Troupe: it lies where it should, and the template builds against it both ways, by one
# call of the compiler and as a CMake project, and runs.
set -euo pipefail
source=${TROUPE_SOURCE_DIR:?} build=${TROUPE_BUILD_DIR:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

fail() {
  echo "$*"
  exit 1
}

cmake --install "$build" --prefix "$work/first" >"$work/log" || fail "$(cat "$work/log")"
# What is installed can be moved.
mv "$work/first" "$prefix"
lib=$(dirname "$(find "$prefix" -name pkgconfig -type d)")
for file in bin/troupe libexec/troupe/troupe-probe include/troupe/troupe.h share/man/man1/troupe.1 share/man/man5/troupe-manifest.5 \
  share/bash-completion/completions/troupe share/zsh/site-functions/_troupe \
  share/fish/vendor_completions.d/troupe.fish share/troupe/manifests/auth-watch.yaml \
  share/troupe/template/hello.c "${lib#"$prefix"/}/troupe/plugins/text.so"; do
  [ -e "$prefix/$file" ] || fail "not installed: $file"
done
for header in "$source"/plugin-sdk/include/troupe/*.h; do
  cmp "$header" "$prefix/include/troupe/${header##*/}"
done

cp -r "$prefix/share/troupe/template" "$work/by-hand"
cp -r "$prefix/share/troupe/template" "$work/by-cmake"

# The promise of the SDK: 15 lines for the smallest actor, 40 for a complete one, no cast.
[ "$(grep -vc '^$' "$work/by-hand/hello.c")" -le 15 ] || fail "hello.c has grown over 15 lines"
[ "$(grep -vc '^$' "$work/by-hand/tally.c")" -le 40 ] || fail "tally.c has grown over 40 lines"
! grep -nE '\([a-z_0-9 ]+\*+\)|\((u?int[0-9]+_t|size_t|int|char|long)\)' "$work"/by-hand/*.c ||
  fail "the template casts"

export PKG_CONFIG_PATH=$lib/pkgconfig
mkdir "$work/by-hand/build"
for name in hello tally; do
  # shellcheck disable=SC2046
  (cd "$work/by-hand" &&
    cc -Wall -Werror -shared -fPIC $(pkg-config --cflags troupe-plugin) $name.c -o build/$name.so)
done
generator=$(sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' "$build/CMakeCache.txt")
cmake -G "$generator" -S "$work/by-cmake" -B "$work/by-cmake/build" -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_C_FLAGS="-Wall -Werror" >"$work/log" || fail "$(cat "$work/log")"
cmake --build "$work/by-cmake/build" >"$work/log" || fail "$(cat "$work/log")"

for way in by-hand by-cmake; do
  for name in hello tally; do
    found=$(nm -D --defined-only "$work/$way/build/$name.so" | awk '{ print $NF }')
    [ "$found" = troupe_plugin_v1 ] || fail "$way: $name.so exports $found"
  done

  cd "$work/$way"
  "$prefix/bin/troupe" plugin inspect build/tally.so | grep -q 'tally\.Tally' ||
    fail "$way: plugin inspect does not name tally.Tally"
  "$prefix/bin/troupe" run hello.yaml >"$work/out" 2>"$work/err" ||
    fail "$way: hello.yaml failed: $(cat "$work/err")"
  grep -q 'hello from a plugin' "$work/err" || fail "$way: no hello: $(cat "$work/err")"
  # The installed plugins are found from the installed command.
  printf 'one\ntwo\nthree' >"$work/input"
  INPUT=$work/input "$prefix/bin/troupe" run tally.yaml >"$work/out" 2>"$work/err" ||
    fail "$way: tally.yaml failed: $(cat "$work/err")"
  [ "$(tail -n 1 "$work/out")" = '{"total":{"lines":3,"bytes":11}}' ] ||
    fail "$way: tally.yaml printed: $(cat "$work/out" "$work/err")"
done
echo "installed, built both ways, and run"
