#!/usr/bin/env bash
# Plugins of every release of the ABI load and run in the host of today; so do those that a release
# of today would keep.
. "$(dirname "$0")/common.sh"

build=${TROUPE_BUILD_DIR:?the build folder to look at}
if [ "$(uname -m)" != x86_64 ]; then
  echo "skipped: the kept plugins are for x86-64"
  exit 77
fi
if grep -qE '^TROUPE_SANITIZE:[A-Z]*=.+' "$build/CMakeCache.txt"; then
  echo "skipped: plugins built without a sanitizer do not belong into a host with one"
  exit 77
fi
status=0

# run_release FOLDER
run_release() {
  local name=${1##*/}
  # The manifest finds the kept plugins in build/ beside it, and the host's own here.
  export TROUPE_PLUGIN_PATH=$build/plugins
  if ! "$build/troupe" run "$1/hello.yaml" >"$work/out" 2>"$work/err" ||
    ! grep -q 'hello from a plugin' "$work/err"; then
    echo "$name: hello.yaml does not run:"
    cat "$work/out" "$work/err"
    status=1
  fi
  if ! INPUT=$1/input "$build/troupe" run "$1/tally.yaml" >"$work/out" 2>"$work/err" ||
    ! tail -n 1 "$work/out" | cmp - "$1/expected"; then
    echo "$name: tally.yaml does not run:"
    cat "$work/out" "$work/err"
    status=1
  fi
}

bash "$abi/release.sh" "$work/today"
run_release "$work/today"
count=0
for folder in tests/abi/released/*/; do
  [ -d "$folder" ] || continue
  cp -r "$folder" "$work/" # a loader puts its private copy beside the file
  folder=${folder%/}
  run_release "$work/${folder##*/}"
  count=$((count + 1))
done
[ $status -ne 0 ] || echo "plugins of $count releases and of today load and run"
exit $status
