# For the ABI checks: where things lie, and a copy of the SDK with one field changed.
set -euo pipefail
abi=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${TROUPE_SOURCE_DIR:-$abi/../..}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compilers C|C++: those that are installed
compilers() {
  local list=(gcc clang) compiler
  [ "$1" = C ] || list=(g++ clang++)
  for compiler in "${list[@]}"; do
    if command -v "$compiler" >/dev/null; then
      echo "$compiler"
    else
      echo "not installed, so not asked: $compiler" >&2
    fi
  done
}

# change SED_SCRIPT FILE: the SDK's headers under $work/include with one change, which must be one.
change() {
  rm -rf "$work/include"
  cp -r plugin-sdk/include "$work/include"
  sed -i "$1" "$work/include/troupe/$2"
  if cmp -s "$work/include/troupe/$2" "plugin-sdk/include/troupe/$2"; then
    echo "the change '$1' changes nothing in $2: give this check another one"
    exit 1
  fi
}
retype='s/(\*unwatch)(struct troupe_turn \*turn, uint32_t port, int32_t fd)/(*unwatch)(struct troupe_turn *turn, uint32_t port, int64_t fd)/'
