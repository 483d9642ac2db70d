#!/usr/bin/env bash
# The benchmarks' verdicts: met, missed, and undecided where the rounds say too little.
set -euo pipefail
bench=${TROUPE_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/bench
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
status=0

# report GOAL SHAPES: over the figures on stdin; its verdicts, and how it left
report() {
  local code=0
  printf '%s\n' "$1" >"$temp/goals"
  cat >"$temp/figures"
  awk -v shapes="$2" -f "$bench/report.awk" "$temp/goals" "$temp/figures" >"$temp/out" || code=$?
  grep -E '^(met|missed|undecided) ' "$temp/out" || true
  echo "left with $code"
}
# rounds LINE...: each line once for each value behind it, round by round
rounds() {
  printf '%s\n' "$@" | awk '{ for (i = 5; i <= NF; i++) print i - 4, $1, $2, $3, $4, $i }'
}
# expect WHAT EXPECTED ACTUAL
expect() {
  if [ "$2" != "$3" ]; then
    printf '%s\nexpected:\n%s\nbut got:\n%s\n' "$1" "$2" "$3"
    status=1
  fi
}

goal='ours2.ring.per_s >= 12e6 : ring'
expect "all rounds reach it, noise or not" "met        ring: 30 (13-40), goal >= 12
left with 0" "$(rounds 'ours ring 2 per_s 13e6 20e6 30e6 40e6 35e6' | report "$goal" ring)"
expect "no round reaches it" "missed     ring: 6 (5-11), goal >= 12
left with 1" "$(rounds 'ours ring 2 per_s 5e6 6e6 5e6 11e6 6e6' | report "$goal" ring)"
expect "the median decides on a calm floor" "met        ring: 13 (11-14), goal >= 12
left with 0" "$(rounds 'ours ring 2 per_s 11e6 12e6 13e6 14e6 13e6' \
  'floor ring 0 per_s 40e6 41e6 40e6 39e6 38e6' | report "$goal" ring)"
expect "not on a noisy one" \
  "undecided  ring: 13 (11-14), goal >= 12; the floor varied 2.0 times
left with 3" "$(rounds 'ours ring 2 per_s 11e6 12e6 13e6 14e6 13e6' \
    'floor ring 0 per_s 40e6 41e6 20.5e6 39e6 38e6' | report "$goal" ring)"
expect "five rounds are needed" "undecided  ring: 13 (13-13), goal >= 12; 4 of the 5 rounds it needs
left with 3" "$(rounds 'ours ring 2 per_s 13e6 13e6 13e6 13e6' | report "$goal" ring)"
expect "rounds that others disturbed do not count" \
  "undecided  ring: 13 (13-13), goal >= 12; 4 of the 5 rounds it needs; in 1 rounds others used the machine
left with 3" "$(rounds 'ours ring 2 per_s 13e6 13e6 1e6 13e6 13e6' \
    'machine ring 0 foreign 0 0.1 0.9 0 0' | report "$goal" ring)"
expect "a shape that was not asked for is not judged" "left with 0" \
  "$(rounds 'ours ring 2 per_s 13e6' | report "$goal" big)"
expect "what nobody measured" "undecided  ring: not measured
left with 3" "$(rounds 'floor ring 0 per_s 1e6' | report "$goal" ring)"

goal='ours2.ring.per_s / floor.ring.per_s >= 0.5 : against the floor'
expect "a ratio is taken within a round" "met        against the floor: 0.5 (0.5-0.5), goal >= 0.5
left with 0" "$(rounds 'ours ring 2 per_s 10e6 20e6 10e6 20e6 40e6' \
  'floor ring 0 per_s 20e6 40e6 20e6 40e6 80e6' | report "$goal" ring)"

goal='ours2.apart.ns / floor.line.ns <= 4 far : apart'
{
  for round in 1 2 3 4 5 6 7; do
    after=200
    [ $round -ne 6 ] || after=300 # the cores moved meanwhile
    before=200
    [ $round -ne 7 ] || before=60 after=60 # two threads of one core
    printf '%s floor line 0 ns %s\n%s floor line 0 ns %s\n' $round $before $round $after
    echo "$round ours apart 2 ns 600"
  done
} >"$temp/apart"
expect "rounds with near cores, or cores that moved, do not count" \
  "met        apart: 3 (3-3), goal <= 4
left with 0" "$(report "$goal" apart <"$temp/apart")"

expect "twice: the best of a peer's ways, for times and for rates" \
  "met        twice Erlang: pp: 2.5 (2.5-2.5), goal >= 2
missed     twice CAF: pp: 1.5 (1.5-1.5), goal >= 2
missed     twice Pony with 1 thread: pp: 1.8 (1.8-1.8), goal >= 2
met        twice Pony with 2 threads: pp: 4 (4-4), goal >= 2
left with 1" "$(rounds 'ours pp 1 ns 100 100 100 100 100' 'ours pp 2 ns 100 100 100 100 100' \
    'erlang pp 1 ns 250 250 250 250 250' 'erlang pp 2 ns 600 600 600 600 600' \
    'caf pp 1 ns 500 500 500 500 500' 'caf-sharing pp 2 ns 150 150 150 150 150' \
    'pony pp 1 ns 180 180 180 180 180' 'pony pp 2 ns 400 400 400 400 400' |
    report 'twice pp.ns : pp' pp)"

# Each goal of the file is about a shape that is run, and is one of the two kinds.
while read -r first second _; do
  case $first in
    '' | '#'*) continue ;;
    twice) shape=${second%.*} ;;
    *.*.*) shape=${first#*.} shape=${shape%.*} ;;
    *) shape="of '$first'" ;;
  esac
  shape=${shape%-long} shape=${shape%-quarter}
  if ! sed -n '/^  shapes=(/,/)/p' "$bench/run" | grep -qE -- "[( ]$shape([) ]|\$)"; then
    echo "goals.txt: a goal about a shape that is not run: $shape"
    status=1
  fi
done <"$bench/goals.txt"
[ $status -ne 0 ] || echo "verdicts are as they should be"

rounds 'floor two-cores 0 times 1.9 1.7 2' | report 'ours2.groups.per_s >= 1 : groups' groups >/dev/null
expect "what two cores may gain is told beside the groups" \
  "two loops of the floor on a core each against one, which is what two workers may gain at the most: 1.90 (1.70-2.00)" \
  "$(grep '^two loops' "$temp/out")"

exit $status
