#!/usr/bin/env bash
# Compiles one source as a kernel would, and looks at what the object asks of its surroundings: nothing but
# what a compiler may call by itself (the four memory functions, and g++ its own library's popcount, which it
# finds in loops), and what the source declares as its platform's own (extern "C" names that begin with platform_).
#
# compile_freestanding.sh COMPILER FLAG... SOURCE; exit code 77 where there is no such compiler
set -euo pipefail

command -v "$1" >/dev/null || exit 77

object=$(mktemp)
trap 'rm -f "$object"' EXIT

for checked in 0 1; do
  "$@" -std=c++20 -O2 -ffreestanding -fno-exceptions -fno-rtti -fno-threadsafe-statics \
    -fno-stack-protector -fno-pic -mno-sse -mno-mmx -Wall -Wextra -Werror \
    -DKMAPPER_CHECKED=$checked -c -o "$object"
  undefined=$(nm -u "$object" | awk '{print $NF}' |
    grep -Ev '^(memcpy|memmove|memset|memcmp|__popcount[sd]i2|platform_.*)$' || true)
  if [[ -n $undefined ]]; then
    printf 'not freestanding: it asks for %s\n' "${undefined//$'\n'/, }" >&2
    exit 1
  fi
done
