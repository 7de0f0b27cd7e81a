# How 32-bit programs run on this machine. ./dev sources this file; say, need, install_needs, compiler and misused stand
# there.
#
# Kernels without IA-32 emulation refuse 32-bit programs ("Exec format error"), and many distributions and virtual
# machines have such a kernel. There qemu-i386, of the package qemu-user, runs them: called by name, so that nothing has
# to be registered and nobody has to be root.
# shellcheck shell=bash

# The headers <asm/...> of a 32-bit program are those of the 64-bit one. g++-multilib links them to where -m32 looks,
# and cannot be installed beside the cross compilers; the versioned package can, and the flag finds the headers.
readonly flags_32_bit=(-m32 -idirafter /usr/include/x86_64-linux-gnu)

# compiles_32_bit [PROGRAM]: whether the compiler makes 32-bit programs, headers of the standard library included.
compiles_32_bit() {
  "$(compiler)" -std=c++20 "${flags_32_bit[@]}" -x c++ - -o "${1:-/dev/null}" \
    <<<$'#include <cerrno>\n#include <vector>\nint main() {}' >/dev/null 2>&1
}

need_32_bit() {
  ! compiles_32_bit || return 0
  need g++ have g++
  install_needs
  need "g++-$(g++ -dumpversion | cut -d . -f 1)-multilib" compiles_32_bit
}

# Sets `runs_32_bit`, once: native, emulated (by qemu-i386), or none. KMAPPER_32_BIT says it instead, so that each way
# can be tried on any machine. Installs what it needs to find out.
runs_32_bit=""
find_32_bit() {
  local probe
  [[ -z $runs_32_bit ]] || return 0
  need_32_bit
  install_needs
  probe=$(mktemp)
  compiles_32_bit "$probe" || true # else it runs nowhere
  chmod +x "$probe"
  case ${KMAPPER_32_BIT:-} in
    native | none) runs_32_bit=$KMAPPER_32_BIT ;;
    "") if runs_natively "$probe"; then runs_32_bit=native; else runs_32_bit=$(emulated_or_none "$probe"); fi ;;
    emulated) runs_32_bit=$(emulated_or_none "$probe") ;;
    *) misused "KMAPPER_32_BIT is $KMAPPER_32_BIT; it may be native, emulated or none" ;;
  esac
  rm -f -- "$probe"
  # For tests that build and run such programs themselves.
  export KMAPPER_32_BIT=$runs_32_bit KMAPPER_32_BIT_EMULATOR
  KMAPPER_32_BIT_EMULATOR=$(emulator_32_bit)
  case $runs_32_bit in
    emulated) say "32-bit programs run under qemu-i386 here: this machine does not run them itself" ;;
    none) say "32-bit programs do not run here, and no qemu-i386 runs them either: their tests are left out" ;;
  esac
}

# A program that binfmt_misc hands to QEMU does not run natively.
runs_natively() {
  ! grep -qs '^enabled' /proc/sys/fs/binfmt_misc/qemu-i386 && ("$1") >/dev/null 2>&1
}

# emulated_or_none PROGRAM. Where qemu-user cannot be installed, apt's reason is shown, and the rest goes on.
emulated_or_none() {
  have qemu-i386 || (need qemu-user false && install_needs >&2) || true
  if qemu-i386 "$1" >/dev/null 2>&1; then printf emulated; else printf none; fi
}

# What the presets with 32-bit programs are configured with: the emulator's command as a list of CMake's, or nothing.
# QEMU 7.2 reports a SIGBUS to a 32-bit program with the host's address, cut to 32 bits. That is the program's own address
# where its memory begins at a multiple of 4 GiB.
emulator_32_bit() { [[ $runs_32_bit != emulated ]] || printf 'qemu-i386;-B;0x100000000'; }
