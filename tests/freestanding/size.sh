#!/usr/bin/env bash
# How many bytes the core takes in a kernel written in C, feature by feature: kernel.cpp for i386, -Os, linked with
# --gc-sections from the functions that a kernel calls. Prints a table, and fails if the first row has grown beyond
# LIMIT bytes of code. The limit holds for g++ 12; another compiler's figure is only printed.
#
# size.sh LIMIT     exit code 77 if there is no g++ for i386
set -euo pipefail

limit=$1
here=$(cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'int main() { return 0; }\n' >"$work/probe.cpp"
g++ -m32 -c "$work/probe.cpp" -o "$work/probe.o" 2>/dev/null || exit 77

# compile DEFINE...: kernel.o
compile() {
  g++ -m32 -march=i686 -mno-sse -mno-mmx "@$here/../../include/kmapper/kernel.flags" -Os \
    -ffunction-sections -fdata-sections -Wall -Wextra -Werror -I"$here/../../include" -I"$here" "$@" \
    -c "$here/../../include/kmapper/kernel.cpp" -o "$work/kernel.o"
}
# sizes FUNCTION...: "CODE TEXTS" of what these functions need, in bytes
sizes() {
  local -a roots=()
  for function in "$@"; do roots+=("--require-defined=kmapper_$function"); done
  ld -m elf_i386 -r --gc-sections "${roots[@]}" "$work/kernel.o" -o "$work/linked.o"
  size -A "$work/linked.o" | awk '/^\.text/ { code += $2 } /^\.rodata/ { texts += $2 } END { print code, texts + 0 }'
}

minimum=(open kmap_slow try_kmap_slow kunmap_slow evict finish_flushes report_holders report_waiters)
read -r base texts < <(compile && sizes "${minimum[@]}")

# row WHAT FUNCTION...: what these add
row() {
  local code
  read -r code _ < <(sizes "${minimum[@]}" "${@:2}")
  printf '%-62s %6d\n' "$1" $((code - base))
}
printf '%-62s %6s\n' "i386, -Os, bytes of code" "$(g++ -dumpfullversion)"
printf '%-62s %6d\n' "kmap, kunmap, try_kmap, sleeping, evict, reports" "$base"
row "+ kmap_for" kmap_for
row "+ kmap_if_mapped, kunmap_address" kmap_if_mapped kunmap_address
row "+ kmap_all, kunmap_all" kmap_all kunmap_all
row "+ reserve, kmap_reserved, unreserve" reserve kmap_reserved unreserve
row "+ flush_all_zero_pkmaps, scavenge_ahead" flush_all_zero_pkmaps scavenge_ahead
row "+ get_stats" get_stats
compile -DKMAPPER_LOCAL
row "+ KMAPPER_LOCAL: kmap_local, kunmap_local, switch_stacks" kmap_local kunmap_local switch_stacks expect_local_depth
compile -DKMAPPER_MAX_VMAP_PAGES=1024
row "+ KMAPPER_MAX_VMAP_PAGES: vmap, vunmap" open_vmap vmap vunmap flush_vmap
compile -DKMAPPER_MAX_VMAP_PAGES=1024 -DKMAPPER_VMALLOC
row "+ KMAPPER_VMALLOC: the same, vmalloc, vfree" open_vmap vmap vunmap flush_vmap vmalloc vfree free_waiting
compile -DKMAPPER_POSTED_FLUSHES
row "+ KMAPPER_POSTED_FLUSHES: in place of invalidate" come_by enter_idle leave_idle leave_long_idle
compile -DKMAPPER_CHECKED=1
row "+ KMAPPER_CHECKED=1"
printf '%-62s %6d\n' "texts of the reports, read-only, in every build" "$texts"

if [[ $(g++ -dumpversion) != 12* ]]; then
  printf 'size.sh: the limit is for g++ 12, and not checked\n'
elif ((base > limit)); then
  printf 'size.sh: %d bytes of code; the limit is %d\n' "$base" "$limit" >&2
  exit 1
fi
