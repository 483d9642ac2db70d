#!/usr/bin/env bash
# The shells and the manual know every command and every option that the program has, no others.
set -euo pipefail
source=${TROUPE_SOURCE_DIR:?} troupe=${TROUPE_BUILD_DIR:?}/troupe
cd "$source/host/cli"
status=0

# offered WORD...: what bash offers for the last word
offered() (
  . completion/troupe.bash
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  _troupe 2>/dev/null
  printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort
)
# options COMMAND...: the long options that its help names
options() {
  "$troupe" "$@" --help | grep -oE '(^|[ ,])--[a-z]+' | grep -oE '\-\-[a-z]+' | LC_ALL=C sort -u
}

for command in run check plan 'plugin doctor' 'plugin inspect' 'plugin list' post-mortem version; do
  # shellcheck disable=SC2086
  if ! diff <(options $command) <(offered troupe $command --); then
    echo "bash offers other options for '$command' than --help names"
    status=1
  fi
  # shellcheck disable=SC2086
  for option in $(options $command); do
    grep -qF -- "$option" completion/_troupe || { echo "_troupe lacks $option"; status=1; }
    grep -qE -- "-l ${option#--}( |\$)" completion/troupe.fish || { echo "troupe.fish lacks $option"; status=1; }
    grep -qF -- "${option//-/\\-}" troupe.1 || { echo "troupe.1 lacks $option"; status=1; }
  done
  for word in $command; do
    for file in completion/_troupe completion/troupe.fish troupe.1; do
      grep -qw -- "$word" $file || { echo "$file lacks the command $word"; status=1; }
    done
  done
done
diff <(printf '%s\n' check plan plugin post-mortem run version) <(offered troupe '') || status=1
diff <(printf '%s\n' doctor inspect list) <(offered troupe plugin '') || status=1
diff <(printf '%s\n' json text) <(offered troupe check --format '') || status=1
for shell in bash zsh; do
  file=completion/troupe.bash
  [ $shell = bash ] || file=completion/_troupe
  ! command -v $shell >/dev/null || $shell -n $file || status=1
done
[ $status -ne 0 ] || echo "shells and manual know the command"
exit $status
