#!/usr/bin/env bash
# Copies what a kernel's author copies, kernel* and core/, and compiles it as a kernel does: with no include path but
# the copy and the compiler's own headers of a freestanding program, beside a header full of a kernel's names. Then it
# has no sections but those that every linker script names, and links with no library.
#
# vendored.sh COMPILER CPU     CPU: i386 i486 i686 x86-64 armv5 armv7 riscv32; exit code 77 if there is no such compiler
set -euo pipefail

compiler=$1 cpu=$2
here=$(cd -- "$(dirname -- "$0")" && pwd)
root=$here/../..

fail() {
  printf 'vendored.sh: %s, %s: %s\n' "$compiler" "$cpu" "$*" >&2
  exit 1
}

# target: what selects the CPU; emulation: what the linker calls it.
case $cpu in
  i386 | i486 | i686) target="-m32 -march=$cpu -mno-sse -mno-mmx" emulation=elf_i386 prefix="" ;;
  x86-64) target="-m64 -mno-sse -mno-mmx -mno-red-zone -mcmodel=kernel" emulation=elf_x86_64 prefix="" ;;
  armv5) target="-march=armv5te -mfloat-abi=soft -marm" emulation=armelf_linux_eabi prefix=arm-linux-gnueabihf- ;;
  armv7) target="-march=armv7-a -mfloat-abi=soft -marm" emulation=armelf_linux_eabi prefix=arm-linux-gnueabihf- ;;
  riscv32) target="-march=rv32ima -mabi=ilp32" emulation=elf32lriscv prefix=riscv64-linux-gnu- ;;
  *) fail "no such CPU" ;;
esac
case $compiler in
  g++) cxx=${prefix}g++ cc=${prefix}gcc ;;
  clang++)
    cxx=clang++ cc=clang
    case $cpu in
      armv5) target="--target=armv5te-none-eabi $target" ;;
      armv7) target="--target=armv7-none-eabi $target" ;;
      riscv32) target="--target=riscv32-unknown-elf $target" ;;
    esac
    ;;
  *) fail "no such compiler" ;;
esac
for command in "$cxx" "$cc" "${prefix}ld"; do command -v "$command" >/dev/null || exit 77; done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/vendored/kmapper"
cp -r "$root"/include/kmapper/{kernel*,core} "$work/vendored/kmapper"

own=$("$cxx" -print-file-name=include)
read -ra flags <<<"$target"
flags+=(-nostdinc -isystem "$own" -I"$work/vendored" -I"$here" -include "$here/names.h"
  -fno-pic -fno-pie -fcf-protection=none -Wall -Wextra -Werror)
[[ $compiler == g++ ]] || flags+=(-Wno-unused-command-line-argument)
cplusplus=("@$work/vendored/kmapper/kernel.flags" -nostdinc++)

# compile_stubs DEFINE...: the C side, with kernel.h
compile_stubs() {
  "$cc" "${flags[@]}" -std=c99 -ffreestanding -fno-stack-protector -O1 "$@" -c "$here/stubs.c" -o "$work/stubs.o" ||
    fail "kernel.h does not compile as C99 with $*"
}
# link: says in $work/log what went wrong
link() {
  "${prefix}ld" -m "$emulation" -static -nostdlib -e start "$work/stubs.o" "$work/kernel.o" -o "$work/kernel" \
    2>"$work/log"
}

# Everything, in both ways to flush, and in the checked and strict builds; and as little as possible. Each is compiled at
# -Os, and everything with the usual flushes also at the other levels.
parts="-DKMAPPER_LOCAL -DKMAPPER_MAX_VMAP_PAGES=64 -DKMAPPER_VMALLOC"
for options in "" "$parts" "$parts -DKMAPPER_POSTED_FLUSHES" "$parts -DKMAPPER_CHECKED=1 -DKMAPPER_STRICT=1"; do
  read -ra defines <<<"$options"
  levels=(-Os)
  [[ $options != "$parts" ]] || levels+=(-O0 -O2)
  for level in "${levels[@]}"; do
    what="$level $options"
    if ! "$cxx" "${flags[@]}" "${cplusplus[@]}" "${defines[@]}" "$level" \
      -c "$work/vendored/kmapper/kernel.cpp" -o "$work/kernel.o" 2>"$work/log"; then
      # Some have no compare-and-swap, and the compiler says so in one line.
      refused='error: .*kmapper needs lock-free atomics'
      [[ $cpu == i386 || $cpu == armv5 ]] || fail "$what: $(cat "$work/log")"
      grep 'error:' "$work/log" >"$work/errors"
      head -n 1 "$work/errors" | grep -q "$refused" || fail "$what: refused without a reason: $(cat "$work/log")"
      # clang++ then misses the class.
      [[ $compiler == clang++ ]] || ! grep -qv "$refused" "$work/errors" ||
        fail "$what: refused in more than one line: $(cat "$work/errors")"
      continue
    fi
    [[ $cpu != armv5 ]] || fail "$what: it compiles for a CPU without compare-and-swap"
    # What a linker script that knows nothing of C++ names; RISC-V has sections of its own for
    # small data, and clang++ writes .ARM.exidx for ARM, which a kernel may discard.
    odd=$("${prefix}readelf" --section-headers --wide "$work/kernel.o" | sed 's/^ *\[ *[0-9]*\] *//' |
      awk '$7 ~ /A/ && $5 !~ /^0*$/ { print $1 }' |
      grep -vE '^\.(ARM.exidx|text|s?data|s?bss|s?rodata(\.(str|cst)[0-9.]*)?)$') || odd=""
    [[ -z $odd ]] || fail "$what: sections that a plain linker script does not name: $odd"
    # No weak and no unique symbols: V, v, W, w, u.
    shared=$("${prefix}nm" "$work/kernel.o" | grep -E '^[0-9a-f]* +[VvWwu] ') || shared=""
    [[ -z $shared ]] || fail "$what: symbols that a linker merges: $shared"
    foreign=$("${prefix}nm" -u "$work/kernel.o" | awk '{print $2}' | grep -vE '^(kmapper_port_|mem(cpy|move|set|cmp)$)') ||
      foreign=""
    [[ -z $foreign ]] || fail "$what: it asks for $foreign"
    compile_stubs "${defines[@]}"
    link || fail "$what: $(cat "$work/log")"
  done
done
[[ $cpu != i386 && $cpu != armv5 ]] || exit 0

# The last kernel.o is a checked one. C files of another build must not be linked with it.
compile_stubs
if link; then fail "a checked kernel.cpp links with C that is not checked"; fi
grep -q 'undefined reference to .kmapper_\(slow_exit\|undo_hit\)' "$work/log" ||
  fail "it does not link for another reason: $(cat "$work/log")"
