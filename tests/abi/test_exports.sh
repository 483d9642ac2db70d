#!/usr/bin/env bash
# Every plugin exports exactly troupe_plugin_v1, and nothing is exported by the command.
# Fixtures named bad_* are broken on purpose.
. "$(dirname "$0")/common.sh"

build=${TROUPE_BUILD_DIR:?the build folder to look at}
status=0
count=0
# What sanitizers and coverage add is not the plugin's.
exports() {
  nm -D --defined-only "$1" | awk '{ print $NF }' |
    grep -vE '^(__asan|__odr_asan|__ubsan|__sanitizer|__sancov|__start___sanc|__stop___sanc)' || true
}
for plugin in "$build"/plugins/*.so "$build"/test-plugins/*.so; do
  case ${plugin##*/} in bad_* | '*.so') continue ;; esac
  count=$((count + 1))
  found=$(exports "$plugin")
  if [ "$found" != troupe_plugin_v1 ]; then
    echo "$plugin should export troupe_plugin_v1 alone, but exports:" $found
    status=1
  fi
done
if [ $count -eq 0 ]; then
  echo "no plugins in $build"
  status=1
fi
[ $status -ne 0 ] || echo "$count plugins export troupe_plugin_v1 alone"
exit $status
