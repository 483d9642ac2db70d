#!/usr/bin/env bash
# Fields lie where abi_frozen.c says, with the types it says.
. "$(dirname "$0")/common.sh"

status=0
for compiler in $(compilers C); do
  flags=(-std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only)
  if ! "$compiler" "${flags[@]}" -Iplugin-sdk/include tests/abi/abi_frozen.c; then
    echo "$compiler: the ABI is not the one in tests/abi/abi_frozen.c"
    status=1
  fi
  # The check bites: a re-typed parameter, a field between two others, a changed number.
  for change in "$retype" 's/^    int32_t (\*send)(/    void *inserted;\n&/' \
    's/^#define TROUPE_HANGUP 4u/#define TROUPE_HANGUP 8u/'; do
    change "$change" host.h
    if "$compiler" "${flags[@]}" -I"$work/include" tests/abi/abi_frozen.c 2>/dev/null; then
      echo "$compiler: abi_frozen.c does not notice the change $change"
      status=1
    fi
  done
done
# Every field of every table has its line.
for header in plugin-sdk/include/troupe/*.h; do
  awk '
    /^struct troupe_[a-z]+ \{/ { table = $2; next }
    /^\}/ { table = "" }
    table { text = text " " $0 }
    table && /;/ {
      gsub(/\/\*[^*]*\*\//, "", text)
      if (match(text, /\(\*[a-z_]+\)/)) {
        print table, substr(text, RSTART + 2, RLENGTH - 3)
      } else {
        sub(/;.*/, "", text); n = split(text, names, ",")
        for (i = 1; i <= n; i++) { sub(/.*[ *]/, "", names[i]); print table, names[i] }
      }
      text = ""
    }' <(sed 's,/\*.*\*/,,; s,^ *\(/\*\|\* \|\*/\).*,,' "$header")
done >"$work/fields"
tr '\n' ' ' <tests/abi/abi_frozen.c | grep -oE 'FIELD\([a-z_]+, *[a-z_]+' |
  sed -E 's/FIELD\(//; s/, */ /' | LC_ALL=C sort >"$work/frozen"
missing=$(LC_ALL=C sort "$work/fields" | comm -23 - "$work/frozen")
if [ -n "$missing" ]; then
  printf 'fields without a line in tests/abi/abi_frozen.c:\n%s\n' "$missing"
  status=1
fi
[ $status -ne 0 ] || echo "$(wc -l <"$work/fields") fields are where they were"
exit $status
