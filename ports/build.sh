#!/usr/bin/env bash
# Builds a program for a bare machine: freestanding, without a library, not even the compiler's own.
#
# build.sh CPU PROGRAM OUTPUT [SOURCE...]
#   CPU       i386, armv7-lpae, riscv32
#   PROGRAM   conformance, main, bench; or a source of yours that has port::program() (common/program.hpp)
#   SOURCE    more sources and objects
#
# With CHECKED=1 in the environment, the checked core; with PORT_CXX=..., another compiler. CPU/port.conf has the rest:
#   compiler    the compiler, and its flags for this CPU       memory   the machine's, where nothing else is said
#   qemu        the emulator, and its options                  direct   bytes below high memory, which begins at `high`
#   pass, fail  the emulator's exit code for each              least_mib, most_mib   the limits of memory
#   build_extra, extra_options   optional functions
# shellcheck disable=SC2154  # port.conf sets them
set -euo pipefail

ports=$(cd -- "$(dirname -- "$0")" && pwd)
usage() {
  printf 'usage: build.sh CPU PROGRAM OUTPUT [SOURCE...]\n' >&2
  exit 2
}
if (($# < 3)) || [[ ! -f $ports/$1/port.conf ]]; then usage; fi
folder=$ports/$1 program=$2 output=$3
[[ $program == *.cpp ]] || program=$ports/common/$program.cpp
[[ -f $program ]] || usage
# shellcheck source=/dev/null
source "$folder/port.conf"

sources=("$folder/boot.S" "$folder/machine.cpp" "$program" "${@:4}")
for source in start threads kmapper support fdt; do sources+=("$ports/common/$source.cpp"); done
"${compiler[@]}" "@$ports/../include/kmapper/kernel.flags" -O2 -nostdlib -static -Wall -Wextra -Werror \
  -DKMAPPER_CHECKED="${CHECKED:-0}" -I"$ports/../include" -I"$ports/../tests" -I"$ports/common" -I"$folder" "${sources[@]}" \
  -Wl,-T,"$folder/link.ld" -Wl,--build-id=none -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments -o "$output"
if declare -F build_extra >/dev/null; then build_extra "$output"; fi
