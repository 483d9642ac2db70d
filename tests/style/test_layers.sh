#!/usr/bin/env bash
# A folder of host/ includes only what host/layers.txt lets it see; each library from outside has one
# place; the SDK leans on standard C alone.
. "$(dirname "$0")/common.sh"

# file:line:name of every include; quoted ones as "name", others as <name>
includes() {
  [ $# -eq 0 ] || grep -nHE '^[[:space:]]*#[[:space:]]*include' "$@" |
    sed -E 's/^([^:]*:[0-9]*):[^"<]*(["<][^">]*[">]).*/\1:\2/'
}

status=0
mapfile -t host < <(c_files host)
mapfile -t sdk < <(c_files plugin-sdk/include)
mapfile -t plugins < <(c_files plugins)

includes "${host[@]}" | awk -F: '
  BEGIN {
    list = "host/layers.txt"
    while ((getline line < list) > 0) {
      split(line, p, ":"); n = split(p[2], d, " ")
      for (i = 1; i <= n; i++) {
        if (!(d[i] in known)) { print list ": " p[1] " names " d[i] " before its line"; bad = 1 }
        may[p[1], d[i]] = 1
      }
      known[p[1]] = 1; may[p[1], p[1]] = 1
    }
    # who may include what from outside; cli and app are no exception
    split("yaml.h=manifest dlfcn.h=plugin link.h=plugin elf.h=plugin uv.h=io elfutils/libdwfl.h=sched sha256.h=plugin", rules, " ")
    for (i in rules) { split(rules[i], r, "="); home[r[1]] = r[2] }
  }
  { split($1, path, "/"); folder = path[2]; name = substr($3, 2, length($3) - 2) }
  !(folder in known) { print $1 ": host/layers.txt has no line for " folder; bad = 1; next }
  $3 ~ /^"/ {
    split(name, part, "/")
    if (!(part[1] in known)) { print $1 ":" $2 ": write the folder: \"" name "\""; bad = 1 }
    else if (!((folder, part[1]) in may)) {
      print $1 ":" $2 ": " folder " may not include \"" name "\""; bad = 1
    }
  }
  $3 ~ /^</ && (name in home) && home[name] != folder {
    print $1 ":" $2 ": only " home[name] " may include <" name ">"; bad = 1
  }
  name == "jansson.h" && folder != "message" && folder != "inspect" {
    print $1 ":" $2 ": only message and inspect may include <" name ">"; bad = 1
  }
  name ~ /^cmocka/ { print $1 ":" $2 ": the host does not include <" name ">"; bad = 1 }
  END { exit bad }' || status=1

includes "${sdk[@]}" | awk -F: '
  $3 !~ /^<(troupe\/[a-z_]+|std(arg|bool|def|int|io|lib)|string|limits|inttypes|float|math)\.h>$/ {
    print $1 ":" $2 ": the SDK may include standard C and <troupe/...> only, not " $3; bad = 1
  }
  END { exit bad }' || status=1

# `troupe run` embeds the library as any program does: it, and what it includes of cli, sees the public
# headers alone. What of cli it may call is in cli/cli.h, so no other header of cli does.
mapfile -t run < <(find host/cli -name cmd_run.c -o -path host/cli/cli.h -o -path host/cli/stream.c)
includes "${run[@]}" | awk -F: '
  $3 ~ /^"/ && $3 != "\"cli/cli.h\"" {
    print $1 ":" $2 ": `troupe run` sees <troupe/...> and cli/cli.h of the host, not " $3; bad = 1
  }
  END { exit bad }' || status=1

# A plugin sees the SDK, the system, and the headers of plugins: nothing of the host.
includes "${plugins[@]}" | awk -F: '
  BEGIN {
    while ((getline line < "host/layers.txt") > 0) { split(line, p, ":"); layer[p[1]] = 1 }
  }
  $3 ~ /^"/ {
    name = substr($3, 2, length($3) - 2)
    split(name, part, "/")
    if (part[1] in layer && system("test -e plugins/" name) != 0) {
      print $1 ":" $2 ": a plugin may not include \"" name "\" of the host"; bad = 1
    }
  }
  END { exit bad }' || status=1

[ $status -ne 0 ] || echo "${#host[@]} files of the host keep to host/layers.txt"
exit $status
