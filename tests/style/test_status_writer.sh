#!/usr/bin/env bash
# ST-3: the status of an instance is stored in host/actor/inst.c alone: by the move, where a life begins,
# and where the cell is made ready.
. "$(dirname "$0")/common.sh"

mapfile -t host < <(c_files host)
stores='(atomic_(store|exchange|compare|fetch|init)[a-z_]* *\( *&[^,]*->status *,|in->status *(=[^=]|[-+|&^]=|\+\+|--))'
found=$(code "${host[@]}" | grep -E "$stores" || true)
others=$(grep -v '^host/actor/inst\.c:' <<<"$found" || true)
count=$(grep -c '^host/actor/inst\.c:' <<<"$found" || true)
if [ -n "$others" ]; then
  printf 'only inst_move() may store the status of an instance:\n%s\n' "$others"
  exit 1
fi
if [ "$count" -gt 3 ]; then
  printf 'stores of the status besides inst_move(), inst_begin() and the first:\n%s\n' "$found"
  exit 1
fi
echo "$count places store the status of an instance"
