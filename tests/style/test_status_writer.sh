#!/usr/bin/env bash
# ST-3: the status of an instance, which stands in the word `doing`, is stored by the move, where a life begins, seen
# by others or not, where the cell is made ready (host/actor/inst.c), and where usual turns begin and an activation
# ends, which write the word whole (host/actor/turn.c). What sets the rest of the word keeps it (host/actor/inst_impl.h).
. "$(dirname "$0")/common.sh"

mapfile -t host < <(c_files host)
stores='(atomic_(store|exchange|compare|fetch|init)[a-z_]* *\( *&in->doing *,|in->doing *(=[^=]|[-+|&^]=|\+\+|--))'
found=$(code "${host[@]}" | grep -E "$stores" || true)
allowed="host/actor/inst.c:4 host/actor/turn.c:2 host/actor/inst_impl.h:2"
others=$found
for place in $allowed; do
  [[ " ${host[*]} " == *" ${place%:*} "* ]] || continue # the checks are checked on smaller trees
  others=$(grep -v "^${place%:*}:" <<<"$others" || true)
  count=$(grep -c "^${place%:*}:" <<<"$found" || true)
  if [ "$count" -ne "${place#*:}" ]; then
    printf '%s stores the status of an instance in %s places, not in %s:\n%s\n' "${place%:*}" "$count" "${place#*:}" "$found"
    exit 1
  fi
done
if [ -n "$others" ]; then
  printf 'only inst_move() and what is named above may store the status of an instance:\n%s\n' "$others"
  exit 1
fi
echo "$(wc -l <<<"$found") places store the status of an instance, or what stands beside it"
