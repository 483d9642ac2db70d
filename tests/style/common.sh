# For the style checks: they look at the tree TROUPE_CHECK_ROOT, or at the source tree.
set -euo pipefail
style=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${TROUPE_CHECK_ROOT:-${TROUPE_SOURCE_DIR:-$style/../..}}"

# c_files FOLDER...: the C files below them, those that exist.
c_files() {
  local folder
  for folder in "$@"; do
    [ ! -d "$folder" ] || find "$folder" -name '*.[ch]' -type f
  done | LC_ALL=C sort
}

# code FILE...: their code without comments and literals, as file:line:code.
code() {
  [ $# -eq 0 ] || awk -f "$style/code.awk" "$@"
}
