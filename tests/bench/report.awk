# Reads goals.txt, then figures "round who shape workers name value"; prints the table and the verdicts.
# usage: awk -v shapes="a b c" -f report.awk goals.txt FIGURES
# Leaves with 0: all goals met, 1: some missed, 3: none missed, but some undecided.
#
# A ratio compares within a round. A goal is decided when all rounds are on one side of it; else by the
# median, unless the machine is too noisy for that: the floor of the shape (the goal's own figure where
# there is none, the ratio itself for a ratio) varied more than 1.5 times from round to round. A round
# in which others used the machine while the shape ran counts for nothing.

BEGIN {
  NEED = 5; NOISE = 1.5; FAR_NS = 80; BRACKET = 1.3
  FOREIGN = 0.15 # CPU seconds a second that are not ours
  unit["ns"] = "ns a round trip"; unit["per_s"] = "million a second"; unit["bytes"] = "bytes each"
  unit["p50_us"] = "us, half of them"; unit["p99_us"] = "us, 99 of 100"; unit["ms"] = "ms"
  name_count = split("ns per_s bytes p50_us p99_us ms", names, " ")
  way_count = split("floor ours1 ours2 erlang1 erlang2 caf1 caf2 caf-sharing1 caf-sharing2" \
                    " pony1 pony2 rsyslog1 rsyslog2", ways, " ")
  kinds["erlang"] = "erlang1 erlang2"; kinds["caf"] = "caf1 caf2 caf-sharing1 caf-sharing2"
  kinds["pony"] = "pony1 pony2"; kinds["rsyslog"] = "rsyslog1 rsyslog2"
  title["floor"] = "floor"; title["ours"] = "Troupe"; title["erlang"] = "Erlang"
  title["caf"] = "CAF, stealing"; title["caf-sharing"] = "CAF, sharing"
  title["pony"] = "Pony's runtime"; title["rsyslog"] = "rsyslog"
  name_of["erlang"] = "Erlang"; name_of["caf"] = "CAF"
  name_of["pony1"] = "Pony with 1 thread"; name_of["pony2"] = "Pony with 2 threads"
  count = split(shapes, order, " ")
  for (i = 1; i <= count; i++) wanted[order[i]] = 1
}

FNR == NR { if ($0 !~ /^#/ && NF) goal[++goal_count] = $0; next }
$2 == "machine" {
  if ($6 > FOREIGN) { disturbed[$1, $3] = 1; disturbed_count[$3]++ }
  next
}
{
  way = $2 == "floor" ? "floor" : $2 $4
  key = $1 SUBSEP way SUBSEP $3 SUBSEP $5
  value[key] = $6
  if ($2 == "pony") with_pony = 1
  if ($3 == "line" && $1 in last_line && $5 == "ns") {
    # a bracket: the line before and the line after what was measured between them
    low = last_line[$1] < $6 ? last_line[$1] : $6; high = last_line[$1] < $6 ? $6 : last_line[$1]
    is_far[$1] = low >= FAR_NS && high <= BRACKET * low
    value[key] = (low + high) / 2
  }
  if ($3 == "line" && $5 == "ns") { last_line[$1] = $6; line[++line_count] = $6 }
  if ($3 == "two-cores" && $5 == "times") two_cores[++two_cores_count] = $6
  if ($1 > rounds) rounds = $1
}

function sort_list(list, n,   i, j, x) {
  for (i = 2; i <= n; i++) {
    x = list[i]
    for (j = i - 1; j > 0 && list[j] > x; j--) list[j + 1] = list[j]
    list[j + 1] = x
  }
}
# The median of list[1..n]; sets `low` and `high`.
function median_of(list, n) {
  if (n == 0) return ""
  sort_list(list, n)
  low = list[1]; high = list[n]
  return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}
function is_rate(name) { return name == "per_s" }

# The figure of WHO in a round, "" for none; of several ways the best.
function figure(round, who, shape, name,   list, n, i, best, v) {
  n = split(who in kinds ? kinds[who] : who, list, " ")
  best = ""
  for (i = 1; i <= n; i++) {
    if (!((round, list[i], shape, name) in value)) continue
    v = value[round, list[i], shape, name]
    if (best == "" || (is_rate(name) ? v > best : v < best)) best = v
  }
  return best
}
# The median over the rounds.
function median(who, shape, name,   list, n, r, v) {
  for (r = 1; r <= rounds; r++) if ((v = figure(r, who, shape, name)) != "") list[++n] = v
  return median_of(list, n)
}
# How many times as good WHO is as OTHER, within rounds: "median (low-high)".
function times(who, other, shape, name,   list, n, r, a, b, m) {
  for (r = 1; r <= rounds; r++) {
    a = figure(r, who, shape, name); b = figure(r, other, shape, name)
    if (a > 0 && b > 0) list[++n] = is_rate(name) ? a / b : b / a
  }
  if ((m = median_of(list, n)) == "") return ""
  return sprintf("%.2f (%.2f-%.2f)", m, low, high)
}

function shown(x, name) { return sprintf("%.4g", is_rate(name) ? x / 1e6 : x) }
function way_title(way,   kind, workers) {
  kind = way; sub(/[0-9]+$/, "", kind)
  workers = substr(way, length(kind) + 1)
  return title[kind] (workers ? ", " workers : "")
}
function optional(way, shape, name, format, scale,   m) {
  m = median(way, shape, name)
  return m == "" ? "-" : sprintf(format, m * scale)
}
function table(shape, name,   w, way, m, range, head) {
  for (w = 1; w <= way_count; w++) {
    way = ways[w]
    if ((m = median(way, shape, name)) == "") continue
    range = "(" shown(low, name) "-" shown(high, name) ")"
    if (!head++)
      printf "\n%-30s %8s  %-17s %5s %7s  %s\n", shape ", " unit[name], "median", "(from-to)", "CPU",
        "RSS MB", "Troupe, 2, against it"
    printf "  %-28s %8s  %-17s %5s %7s  %s\n", way_title(way), shown(m, name), range,
      optional(way, shape, "cpu", "%.2f", 1), optional(way, shape, "rss_kb", "%.1f", 1 / 1024),
      way == "ours2" ? "" : times("ours2", way, shape, name)
  }
}

# Splits WHO.SHAPE.NAME.
function split_term(term, parts) { return split(term, parts, ".") == 3 }
function term_value(round, term,   p) { split_term(term, p); return figure(round, p[1], p[2], p[3]) }

# How much what tells of the machine's noise varied, most by least.
function noise_of(top, bottom, low_value, high_value,   p, m) {
  if (bottom == "") {
    split_term(top, p)
    m = p[3] ~ /^(ns|per_s|p.._us)$/ ? median("floor", p[2], p[3]) : ""
    if (m != "") { noise_what = "the floor"; return high / low }
  }
  noise_what = bottom == "" ? "the figure" : "the ratio"
  return low_value > 0 ? high_value / low_value : 1
}

function tell(verdict, text, result) {
  tally[verdict]++
  printf "%-10s %s%s\n", verdict, text, result
}

function judge(text, top, bottom, op, limit, far,
               p, r, a, b, v, n, good, list, m, lo, hi, noise, result, lost, name) {
  split_term(top, p)
  if (!(base_shape(p[2]) in wanted)) return
  for (r = 1; r <= rounds; r++) {
    a = term_value(r, top); b = bottom == "" ? 1 : term_value(r, bottom)
    if (a == "" || b == "" || b == 0) continue
    if ((disturbed[r, base_shape(p[2])] && p[3] !~ /rss_kb|bytes/) || (far && !is_far[r])) {
      lost++
      continue
    }
    v = a / b
    list[++n] = v
    if (op == "<=" ? v <= limit : v >= limit) good++
  }
  m = median_of(list, n); lo = low; hi = high
  lost = lost ? sprintf("; in %d rounds %s", lost, far ? "others used the machine, or its cores were near or moved" \
                                                       : "others used the machine") : ""
  if (n == 0) {
    tell("undecided", text, (lost ? "" : ": not measured") lost)
    return
  }
  name = bottom == "" ? p[3] : ""
  result = sprintf(": %s (%s-%s), goal %s %s", shown(m, name), shown(lo, name), shown(hi, name), op,
    shown(limit, name))
  noise = noise_of(top, bottom, lo, hi)
  if (n < NEED) {
    tell("undecided", text, result "; " n " of the " NEED " rounds it needs" lost)
  } else if (good == n || good == 0 || noise <= NOISE) {
    tell((op == "<=" ? m <= limit : m >= limit) ? "met" : "missed", text, result)
  } else {
    tell("undecided", text, result sprintf("; %s varied %.1f times", noise_what, noise))
  }
}
# count-long is measured with count.
function base_shape(shape) { sub(/-(long|quarter)$/, "", shape); return shape }

function judge_twice(what, text,   p, i, pair, peers, n, rate) {
  n = split("erlang:ours2 caf:ours2 pony1:ours1 pony2:ours2", peers, " ")
  split(what, p, ".")
  rate = is_rate(p[2])
  for (i = 1; i <= n; i++) {
    split(peers[i], pair, ":")
    if (pair[1] !~ /^pony/ || with_pony)
      judge("twice " name_of[pair[1]] ": " text, (rate ? pair[2] : pair[1]) "." what,
        (rate ? pair[1] : pair[2]) "." what, ">=", 2, 0)
  }
}

function judge_line(line_text,   at, text, f, n) {
  at = index(line_text, " : ")
  text = substr(line_text, at + 3)
  n = split(substr(line_text, 1, at - 1), f, " ")
  if (f[1] == "twice") judge_twice(f[2], text)
  else if (f[2] == "/") judge(text, f[1], f[3], f[4], f[5] + 0, f[6] == "far")
  else judge(text, f[1], "", f[2], f[3] + 0, f[4] == "far")
}

END {
  for (i = 1; i <= count; i++) for (j = 1; j <= name_count; j++) table(order[i], names[j])
  if (line_count) {
    m = median_of(line, line_count)
    printf "\na cache line to the other core and back: %.4g ns (%.4g-%.4g)\n", m, low, high
  }
  if (two_cores_count) {
    m = median_of(two_cores, two_cores_count)
    printf "\ntwo loops of the floor on a core each against one, which is what two workers may gain at the most:"
    printf " %.2f (%.2f-%.2f)\n", m, low, high
  }
  for (i = 1; i <= rounds; i++) far_rounds += is_far[i]
  if ("apart" in wanted) print "rounds with far and steady cores: " far_rounds + 0 " of " rounds
  for (i = 1; i <= count; i++)
    if (disturbed_count[order[i]]) busy = busy sprintf(" %s (%d)", order[i], disturbed_count[order[i]])
  if (busy) print "others used the machine in so many rounds of:" busy
  print "\nThe number behind a name is that of workers or scheduler threads; CPU is in seconds a second, RSS"
  print "the peak. The last column says how many times as good Troupe is, within a round: median (from-to).\n"
  for (i = 1; i <= goal_count; i++) judge_line(goal[i])
  printf "\n%d met, %d missed, %d undecided\n", tally["met"], tally["missed"], tally["undecided"]
  exit tally["missed"] ? 1 : tally["undecided"] ? 3 : 0
}
