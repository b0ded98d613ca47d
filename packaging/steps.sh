# What packaging/run, packaging/test and their helpers share. Sourced, never run.
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/scriptorium

say() { printf '== %s\n' "$*"; }
fail() { printf 'scriptorium: %s\n' "$*" >&2; exit 1; }

# Debian's own Python: what the packages of dependencies/ extend, whatever else is first on the path.
debian_python() { if [ -x /usr/bin/python3 ]; then echo /usr/bin/python3; else command -v python3; fi; }

# Parallel compilations: one for each core, but no more than one for each 1.5 GB of free memory.
jobs() {
  local memory
  memory=$(awk '/MemAvailable/ { print int($2 / 1500000) }' /proc/meminfo)
  echo $(( memory < 1 ? 1 : memory < $(nproc) ? memory : $(nproc) ))
}

# install LIST…: installs the Debian packages named in dependencies/LIST.txt that are missing.
install() {
  local wanted missing=() package as_root=()
  wanted=$(for list in "$@"; do sed 's/#.*//' "$project/packaging/dependencies/$list.txt"; done | sort -u)
  if ! command -v apt-get >/dev/null; then
    say "This is not a Debian system; going on with what is installed. Wanted:" $wanted
    return
  fi
  for package in $wanted; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "Installing Debian packages that are missing: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "packages are missing and there is no sudo. As root: apt-get install ${missing[*]}"
    as_root=(sudo)
    { : >/dev/tty; } 2>/dev/null || as_root+=(-n)  # nobody there to type a password
  fi
  as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
  local log
  log=$(mktemp)
  if ! { "${as_root[@]}" update && "${as_root[@]}" install -y --no-install-recommends "${missing[@]}"; } \
      </dev/null >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    rm -f "$log"
    fail "apt-get could not install them (reason above). Install by hand, then run this again: ${missing[*]}"
  fi
  rm -f "$log"
}

# build TARGET…: configures and builds the Release preset into build/; all targets when none is named.
build() {
  if [ -n "${CMAKE_PREFIX_PATH:-}${Qt6_DIR:-}" ]; then say "Using CMAKE_PREFIX_PATH or Qt6_DIR from the environment"; fi
  "$project/packaging/fetch-assorthead"
  configure release build
  say "Building Scriptorium in build/ with $(jobs) jobs (several minutes the first time)"
  cmake --build "$project/build" --parallel "$(jobs)" ${1:+--target "$@"} || fail "the build failed (reason above)"
}

# configure PRESET FOLDER: quiet unless it fails.
configure() {
  local log
  mkdir -p "$project/$2"
  log=$project/$2/configure.log
  (cd "$project" && cmake --preset "$1" $(command -v ccache >/dev/null && echo -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)) \
    >"$log" 2>&1 || { tail -n 25 "$log" >&2; fail "CMake could not configure (reason above, all of it in $log)"; }
}

# Runs of these scripts wait for one another: two builds in one folder disturb each other.
take_turns() {
  mkdir -p "$project/build"
  exec 9>"$project/build/.turn"
  flock -n 9 || { say "Waiting for another run in this folder to end"; flock 9; }
}
