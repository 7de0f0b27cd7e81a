# How ./dev configures and builds the presets of CMakePresets.json.
# shellcheck shell=bash disable=SC2154  # root is dev's

# shellcheck source=tools/width.sh
source "$root/tools/width.sh"
# shellcheck source=tools/cross.sh
source "$root/tools/cross.sh"

# ccache, where it is installed, compiles nothing twice, in all presets and clones; debug information then names the clone
# that compiled a file first. The sloppiness is what it wants for precompiled headers.
: "${CCACHE_BASEDIR:=$root}" "${CCACHE_NOHASHDIR:=1}" "${CCACHE_SLOPPINESS:=pch_defines,time_macros}"
export CCACHE_BASEDIR CCACHE_NOHASHDIR CCACHE_SLOPPINESS

# build PRESET [TARGET...]: configures where needed, and builds; its words are kept back unless it fails.
build() {
  local preset=$1
  shift
  (($#)) || set -- all
  configure "$preset"
  quietly "$preset" "building the preset $preset" \
    cmake --build "$root/build/$preset" --parallel "$(jobs)" --target "$@"
}

# How much is done at the same time: on every CPU something, and for each a GiB of memory.
jobs() {
  local cpus most
  cpus=$(nproc) most=$(($(free_memory_mib) / 1024))
  printf '%d' $((most < 1 ? 1 : most < cpus ? most : cpus))
}

# Configures the preset where that is not done yet, or not as it is to be now.
configure() {
  local preset=$1 path launcher emulator="" options=()
  path=$(command -v "$(cross_compiler "$preset" || compiler)")
  launcher=$(cached CMAKE_CXX_COMPILER_LAUNCHER)
  [[ $preset != m32* ]] || emulator=$(emulator_32_bit)
  if [[ $(cached CMAKE_HOME_DIRECTORY) != "$root" || $(cached CMAKE_CXX_COMPILER) != "$path" ]]; then
    options=(--fresh)
  elif [[ -e $root/build/$preset/build.ninja && $(cached CMAKE_CROSSCOMPILING_EMULATOR) == "$emulator" ]] &&
    { [[ -z $launcher ]] || have "$launcher"; }; then
    return
  fi
  launcher=$(command -v ccache || true)
  options+=(-D "CMAKE_C_COMPILER_LAUNCHER=$launcher" -D "CMAKE_CXX_COMPILER_LAUNCHER=$launcher"
    -D CMAKE_DISABLE_PRECOMPILE_HEADERS=OFF)
  [[ $preset != m32* ]] || options+=(-D "CMAKE_CROSSCOMPILING_EMULATOR=$emulator")
  quietly "$preset" "configuring the preset $preset" \
    cmake -S "$root" --preset "$preset" -D "CMAKE_CXX_COMPILER=$path" "${options[@]}"
}

# What the preset, configure's variable, was configured with.
cached() { sed -n "s/^$1:[A-Z]*=//p" "$root/build/$preset/CMakeCache.txt" 2>/dev/null || true; }

# quietly NAME WHAT COMMAND...: runs it with its words in build/NAME.log, shown only where it fails.
quietly() {
  local log=$root/build/$1.log what=$2
  shift 2
  (cd "$root" && in_sight "$log" "$what" "$@") && return
  # Of what failed a screenful, without the commands, and without the steps that did not fail.
  sed -E '/^FAILED: /{n;d}; /^\[[0-9]+\/[0-9]+\] /d' "$log" | tail -n 40 >&2
  failed "$what failed (all it said: $log)"
}

# in_sight LOG WHAT COMMAND...: runs it with its words in LOG, and shows meanwhile how far it is. Adds its CPU time to
# those that take_cpu sums.
in_sight() {
  local log=$1 what=$2
  shift 2
  mkdir -p "$root/build"
  python3 "$root/tools/progress.py" --log "$log" --what "$what" --cpu "$root/build/cpu-seconds.$$" "$@"
}

# Sets `cpu` to the CPU time, in whole seconds, of all that ran in sight since this was called last, and adds it to
# `all_cpu`.
all_cpu=0
take_cpu() {
  cpu=$(awk '{ sum += $1 } END { printf "%.0f", sum }' "$root/build/cpu-seconds.$$" 2>/dev/null || printf 0)
  rm -f -- "$root/build/cpu-seconds.$$"
  ((all_cpu += cpu)) || true
}

# The host's memory that is free for a guest, in MiB: as the system sees it, and as this container may use it.
free_memory_mib() {
  local free limit used
  free=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
  limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || true)
  used=$(cat /sys/fs/cgroup/memory.current 2>/dev/null || true)
  if [[ $limit =~ ^[0-9]+$ && $used =~ ^[0-9]+$ ]]; then
    limit=$(((limit - used) / 1048576))
    ((limit >= free)) || free=$limit
  fi
  printf '%d' $((free > 1 ? free : 1))
}
