#!/usr/bin/env bash
# Functions that have no place here: unbounded copies, exits, allocations past the hook, sleeps.
. "$(dirname "$0")/common.sh"

status=0
# ban WHY FUNCTIONS FILE...: no call of one of FUNCTIONS (a|b|c) in the code of the files.
ban() {
  local why=$1 functions=$2 found
  shift 2
  found=$(code "$@" | grep -E "(^|[^A-Za-z0-9_.>])($functions) *\(" || true)
  if [ -n "$found" ]; then
    echo "$why:"
    echo "$found" | sed 's/^/  /'
    status=1
  fi
}

mapfile -t all < <(c_files host plugin-sdk plugins tests)
mapfile -t host < <(c_files host)
mapfile -t not_cli < <(c_files host plugins plugin-sdk | grep -v '^host/cli/' || true)
mapfile -t not_alloc < <(c_files host | grep -v '^host/base/alloc\.c$' || true)
mapfile -t tests < <(c_files tests | grep -vE '^tests/(bench|fixtures)/' || true)

ban "writes without a bound" 'strcpy|strcat|sprintf|vsprintf|gets|stpcpy|alloca' "${all[@]}"
ban "keeps hidden state; take the _r form" \
  'strtok|localtime|gmtime|asctime|ctime|strerror|readdir_r' "${host[@]}"
ban "reads no errors; use strtoll and check" 'atoi|atol|atoll|atof' "${all[@]}"
ban "only the command may end the process" 'exit|_exit|quick_exit|abort' "${not_cli[@]}"
ban "host code allocates with base/alloc.h" \
  'malloc|calloc|realloc|reallocarray|strdup|strndup|asprintf|vasprintf' "${not_alloc[@]}"
ban "a test waits for an event or moves a clock, it does not sleep" \
  'sleep|usleep|nanosleep|clock_nanosleep' "${tests[@]}"

if [ -d tests ]; then
  found=$(find tests -name '*.sh' -exec grep -nHE '(^|[;&|][[:space:]]*)[[:space:]]*sleep[[:space:]]' {} + || true)
  if [ -n "$found" ]; then
    printf 'a script of the tests sleeps:\n%s\n' "$found"
    status=1
  fi
fi
found=$(grep -rnE '\b(TODO|FIXME|XXX|HACK)\b' --include='*.[ch]' host plugin-sdk plugins tests 2>/dev/null || true)
if [ -n "$found" ]; then
  printf 'unfinished:\n%s\n' "$found"
  status=1
fi
[ $status -ne 0 ] || echo "${#all[@]} files call nothing that is banned"
exit $status
