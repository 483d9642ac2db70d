#!/usr/bin/env bash
# The table of rules in tests/README.md: every rule has a test, every test named there exists.
# usage: test_rules.sh [--renew]   writes the tests named after a rule, test_mb2_..., into the table
. "$(dirname "$0")/common.sh"

table=tests/README.md
# Every test function, and every script as the test it is: one name a line.
tests=$(
  c_files tests | grep '/test_[^/]*\.c$' |
    xargs -r grep -hoE '^static void test_[a-z0-9_]+\(' | sed 's/^static void //; s/($//'
  find tests -name 'test_*.sh' | sed 's,.*/,,'
)

# Rows of the table, the third column from the names of the tests; what stands there by hand and
# exists is kept.
renew() {
  awk -F ' *[|] *' '
    FNR == NR { exists[$0] = 1; order[++count] = $0; next }
    /^<!-- rules -->/ { inside = 1 }
    /^<!-- end -->/ { inside = 0 }
    !inside || $2 !~ /^[A-Z]+-[0-9]+$/ { print; next }
    {
      prefix = $2; gsub(/-/, "", prefix); prefix = "test_" tolower(prefix) "_"
      text = ""; split("", used)
      n = split($4, named, /[`, ]+/)
      for (i = 1; i <= n; i++)
        if (named[i] in exists && !(named[i] in used)) { used[named[i]] = 1; text = text ", `" named[i] "`" }
      for (i = 1; i <= count; i++)
        if (index(order[i], prefix) == 1 && !(order[i] in used)) {
          used[order[i]] = 1; text = text ", `" order[i] "`"
        }
      print "| " $2 " | " $3 " | " substr(text, 3) (text ? " " : "") "|"
    }' <(LC_ALL=C sort -u <<<"$tests") "$table"
}

if [ "${1:-}" = --renew ]; then
  renew >"$table.new" && mv "$table.new" "$table"
  exit 0
fi
awk -F ' *[|] *' '
  FNR == NR { exists[$0] = 1; next }
  /^<!-- rules -->/ { inside = 1 }
  /^<!-- end -->/ { inside = 0 }
  inside && $2 ~ /^[A-Z]+-[0-9]+$/ {
    rules++
    n = split($4, named, /[`, ]+/); found = 0
    for (i = 1; i <= n; i++) if (named[i] != "") {
      if (named[i] in exists) found++
      else { print FILENAME ":" FNR ": " $2 " names a test that does not exist: " named[i]; bad = 1 }
    }
    if (!found) { print FILENAME ":" FNR ": " $2 " has no test: " $3; bad = 1 }
  }
  END {
    if (!rules) { print FILENAME ": no table of rules"; bad = 1 }
    if (!bad) print rules " rules have their tests"
    exit bad
  }' <(echo "$tests") "$table"
