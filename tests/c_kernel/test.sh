#!/usr/bin/env bash
# Tests the face for kernels written in C, in examples/c-kernel: the kernel with kmapper and as it was before, the
# conformance suite on its port, and every function of kernel.h. Builds all of it with gcc and with clang.
#
# test.sh [PART...]    PART: plain before conformance calls bench; all of them without one. The exit code is 77 if QEMU
# or the compiler for 32 bits is missing.
set -euo pipefail

here=$(cd -- "$(dirname -- "$0")" && pwd)
kernel=${KERNEL:-$here/../../examples/c-kernel}
export KERNEL=$kernel
(($#)) || set -- plain before conformance calls bench

fail() {
  printf 'c_kernel: %s\n' "$*" >&2
  exit 1
}
skip() {
  printf 'c_kernel: skipped: %s\n' "$*"
  exit 77
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export QEMU=${QEMU:-qemu-system-x86_64}
command -v "$QEMU" >/dev/null || skip "there is no $QEMU"
printf 'int main(void) { return 0; }\n' >"$work/probe.c"
compilers=()
for compiler in gcc clang; do
  if "$compiler" -m32 -c "$work/probe.c" -o "$work/probe.o" 2>/dev/null; then compilers+=("$compiler"); fi
done
((${#compilers[@]})) || skip "no compiler for i386"

# boot KERNEL CPUS [OPTION...]: its output is in $work/log. Fails if the kernel does not end with 0.
boot() {
  local status=0
  timeout --kill-after=5 60 "$QEMU" -nodefaults -display none -no-reboot -smp "$2,sockets=$2" -m 1024 \
    -serial stdio -device isa-debug-exit,iobase=0xf4 -kernel "$1" "${@:3}" </dev/null >"$work/log" 2>&1 || status=$?
  ((status == 1)) || fail "$part, $compiler, $2 CPUs: it ended with $status:
$(cat "$work/log")"
}
has() {
  grep -qE "$1" "$work/log" || fail "$part, $compiler: no line matches '$1':
$(cat "$work/log")"
}

# run_kernel KERNEL: by its own script. One thread of the host for both CPUs, because each miss in sixteen waits for the
# other CPU, and on a busy host also for a turn of its thread.
run_kernel() {
  local status=0
  KERNEL=$1 ACCEL=tcg,thread=single timeout --kill-after=5 60 "$kernel/run.sh" </dev/null >"$work/log" 2>&1 || status=$?
  ((status == 0)) || fail "$part, $compiler: it ended with $status:
$(cat "$work/log")"
}

test_plain() {
  CC=$compiler "$kernel/build.sh" "$work/plain"
  run_kernel "$work/plain"
  has '^memory: 1023 MiB, all of it used$'
  has '^two processes: good$'
  has '^fill: 10(1[5-9]|2[0-3]) MiB written, read back and freed$'
  has '^done$'
  ! grep -q '^kmapper: ' "$work/log" || fail "$part, $compiler: a report: $(grep '^kmapper: ' "$work/log")"
}

# The kernel without kmapper: what window.patch takes away, and no more than a lesson is long.
test_before() {
  local lines
  rm -rf "$work/before"
  cp -r "$kernel" "$work/before"
  patch --quiet --reverse --strip=1 --directory="$work/before" <"$kernel/window.patch" ||
    fail "window.patch is not the last step to this kernel: write it again"
  [[ ! -e $work/before/window.c && ! -e $work/before/kmapper_port.h ]] || fail "the patch leaves a file of the window"
  ! grep -rq kmapper "$work/before" --include='*.[chS]' --include='build.sh' ||
    fail "kmapper is there without the patch"
  lines=$(grep -c '^[+-][^+-]' "$kernel/window.patch")
  ((lines <= 200)) || fail "window.patch changes $lines lines"
  CC=$compiler "$work/before/build.sh" "$work/old"
  run_kernel "$work/old"
  has '^memory: 1023 MiB, of which 783 MiB are out of reach$'
  has '^fill: 2[0-9][0-9] MiB written'
  has '^done$'
}

test_conformance() {
  CC=$compiler "$here/build.sh" conformance "$work/conformance"
  local cpus
  for cpus in 1 2 4; do
    boot "$work/conformance" "$cpus"
    has ' 0 failed,'
    # With one CPU, nine checks of several have no meaning. With several, no thread has to be preempted, and one is
    # open; but now and then a thread is, or two do not run at the same time.
    case $cpus in
      1) has '^4[567] checks passed' ;;
      *) has '^5[345] checks passed' ;;
    esac
  done
  # A rig without all that a rig may leave out.
  CC=$compiler "$here/build.sh" minimal "$work/minimal"
  boot "$work/minimal" 1
  has '^36 checks passed, 0 failed,'
}

test_calls() {
  local options
  for options in -O2 -Os -DKMAPPER_CHECKED=1; do
    CC=$compiler "$here/build.sh" calls "$work/calls" "$options"
    boot "$work/calls" 2
    has '^PASS$'
  done
}

# Shows what a hit and a miss cost. The caller's load is one of the instructions, and two find out that the page is
# high. Other compilers give other figures, so none is too high.
test_bench() {
  CC=$compiler "$here/build.sh" bench "$work/bench"
  boot "$work/bench" 1 -icount shift=0
  grep instructions "$work/log" | sed "s/^/$compiler: /"
}

for part; do
  for compiler in "${compilers[@]}"; do
    begun=$SECONDS
    "test_$part"
    printf 'c_kernel: %s, %s: ok (%d s)\n' "$part" "$compiler" "$((SECONDS - begun))"
  done
done
