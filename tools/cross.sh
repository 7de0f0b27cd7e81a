# Other CPUs that the library is built for: by Debian's cross compilers, and tested under QEMU's user emulation. ./dev
# sources this file; need stands there. The presets have the CPUs' names, and cmake/CPU.cmake says the rest.
# shellcheck shell=bash

# triple CPU: what Debian calls it; fails where there is no such CPU.
triple() {
  case $1 in
    arm64) printf 'aarch64-linux-gnu' ;;
    armhf) printf 'arm-linux-gnueabihf' ;;
    riscv64) printf 'riscv64-linux-gnu' ;;
    *) return 1 ;;
  esac
}

# cross_compiler PRESET: fails where the preset is not of such a CPU.
cross_compiler() {
  local triple
  triple=$(triple "$1") && printf '%s-g++' "$triple"
}

need_cross() {
  need "g++-$(triple "$1")" have "$(cross_compiler "$1")"
  need qemu-user have qemu-arm
}
