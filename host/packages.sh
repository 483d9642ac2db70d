# For host/quickstart, tests/run and .ci/run: the Debian packages, and building a preset. Sourced.
# Wants $root, the source tree. Everything it says goes to stderr.

# What building and running needs; README.md says why each.
build_packages=(
  gcc libc6-dev cmake ninja-build pkgconf ccache
  libyaml-dev libuv1-dev libjansson-dev libmd-dev libdw-dev
)
# What the tests need on top.
test_packages=(
  g++ gdb linux-perf valgrind libcmocka-dev clang libclang-rt-14-dev clang-format-14 abigail-tools
  gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
)
# What the benchmarks compare with and count instructions by; those that are missing are left out.
bench_packages=(
  erlang-base erlang-dev libcaf-dev rsyslog valgrind
)

say() {
  echo "troupe: $*" >&2
}

# as_root COMMAND...
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# Another apt may hold a lock (updates at boot do): wait for it a while. Quiet unless it fails.
apt_get() {
  local try log
  log=$(mktemp)
  for try in 1 2 3 4 5; do
    if as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 \
      -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@" </dev/null >"$log" 2>&1; then
      rm -f "$log"
      return 0
    fi
    say "apt-get $1 failed (attempt $try of 5):"
    tail -n 5 "$log" >&2
    [ "$try" -eq 5 ] || sleep $((try * 5))
  done
  rm -f "$log"
  return 1
}

is_installed() {
  case $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) in
    installed) return 0 ;;
    *) return 1 ;;
  esac
}

# need_packages PACKAGE...: installs those that are missing.
need_packages() {
  local missing=() package
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "this is no Debian; taking for granted what these packages hold: $*"
    return 0
  fi
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    say "these Debian packages are missing, and there is no sudo to install them; as root, run:"
    say "  apt-get install --no-install-recommends ${missing[*]}"
    return 1
  fi
  say "installing Debian packages: ${missing[*]}"
  # The lists may be missing or old; a mirror that does not answer shows at the install, too.
  apt_get update || true
  apt_get install -y --no-install-recommends "${missing[@]}" || {
    say "cannot install: ${missing[*]}"
    return 1
  }
}

# build_preset PRESET [TARGET...]: configures and builds, into the folder that the preset names.
build_preset() {
  local preset=$1 folder
  shift
  folder=$(build_folder "$preset")
  # A folder configured at another place, before the tree was moved, is of no use.
  if [ -f "$folder/CMakeCache.txt" ] &&
    ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$folder/CMakeCache.txt"; then
    say "$folder was configured for another place; starting anew"
    rm -rf "$folder"
  fi
  say "configuring ${folder#"$root"/}"
  mkdir -p "$folder"
  (cd "$root" && cmake --preset "$preset" >"$folder/configure.log" 2>&1) || {
    cat "$folder/configure.log" >&2
    return 1
  }
  say "building ${folder#"$root"/} with $(nproc) jobs"
  (cd "$root" && cmake --build "$folder" --parallel "$(nproc)" ${1:+--target "$@"}) >&2
}

# build_folder PRESET: as CMakePresets.json has it.
build_folder() {
  case $1 in
    release) echo "$root/build" ;;
    *) echo "$root/build-$1" ;;
  esac
}
