#!/usr/bin/env bash
# Builds examples/port with the core, as a kernel is built, and checks that it needs no function of a library, not even
# one of the compiler's own. If the machine can boot it, it boots, and its platform passes the suite.
#
# port.sh COMPILER -m32|-m64; exit code 77 if there is no such compiler
set -euo pipefail

compiler=$1 width=$2 port=$(cd -- "$(dirname -- "$0")" && pwd)/../../examples/port
command -v "$compiler" >/dev/null || exit 77

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  printf 'port.sh: %s\n' "$*" >&2
  exit 1
}

builds=(0 1)
[[ $width == -m32 ]] || builds=(1) # it includes all of the other
for checked in "${builds[@]}"; do
  CHECKED=$checked "$port/build.sh" "$compiler" "$width" "$work/port"
  undefined=$(nm -u "$work/port")
  [[ -z $undefined ]] || fail "not freestanding: it asks for ${undefined//[[:space:]]/ }"
  [[ $width == -m32 ]] || continue

  # The i386 has no compare-and-swap. A compiler that knows this prints one line; another compiles for a later CPU.
  if MACHINE=-march=i386 CHECKED=$checked "$port/build.sh" "$compiler" "$width" "$work/i386" 2>"$work/log"; then
    undefined=$(nm -u "$work/i386")
    [[ -z $undefined ]] || fail "it links for an i386, and asks for ${undefined//[[:space:]]/ }"
  else
    refused='error: .*kmapper needs lock-free atomics'
    grep -q "$refused" "$work/log" || fail "an i386 is refused without a reason: $(cat "$work/log")"
    others=$(grep 'error:' "$work/log" | grep -v "$refused") || others=""
    [[ -z $others ]] || fail "an i386 is refused in more than one line: $others"
  fi

  status=0
  timeout --kill-after=5 600 qemu-system-x86_64 -accel tcg -nodefaults -display none -no-reboot -m 64 \
    -device "isa-debug-exit,iobase=0xf4,iosize=0x04" -serial stdio -kernel "$work/port" \
    </dev/null >"$work/log" 2>&1 || status=$?
  if ((status != 1)) || [[ $(tail -n 1 "$work/log") != PASS ]]; then
    cat "$work/log"
    fail "the machine ended with $status"
  fi
  # With one CPU, no preemption and no handlers, much cannot be checked, and the suite has to say so.
  grep -q '^40 checks passed, 0 failed, 12 skipped$' "$work/log" || fail "too few checks ran: $(cat "$work/log")"
  grep -q '^  whether InterruptsOff stops interrupts, or only claims to (no thread was preempted by another)$' "$work/log" ||
    fail "what stays open is not said: $(cat "$work/log")"
done
