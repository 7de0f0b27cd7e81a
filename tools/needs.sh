# What a command needs and this machine lacks is installed with apt.
# shellcheck shell=bash disable=SC2154  # root is dev's

# need PACKAGE TEST...: installs the package unless the test, a command, succeeds. Collects what is missing, so
# that several needs make one installation; `install_needs` carries it out.
needs=()
need() {
  local package=$1
  shift
  [[ " ${needs[*]-} " == *" $package "* ]] || "$@" >/dev/null 2>&1 || needs+=("$package")
}

have() { command -v "$1" >/dev/null; }

install_needs() {
  ((${#needs[@]})) || return 0
  local packages="${needs[*]}" sudo=() log
  needs=()
  have apt-get || misused "this needs the packages $packages, and there is no apt here to install them with"
  if ((EUID != 0)); then
    have sudo || misused "this needs the packages $packages: install them as root (there is no sudo here)"
    sudo=(sudo)
    say "installing $packages with apt; sudo may ask for your password"
  else
    say "installing $packages with apt"
  fi
  mkdir -p "$root/build"
  log=$root/build/apt.log
  # shellcheck disable=SC2086  # the packages are words
  if ! { "${sudo[@]}" apt-get update &&
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=300 $packages; } \
    </dev/null >"$log" 2>&1; then
    misused "this needs the packages $packages, and apt cannot install them: $(grep '^E: ' "$log" | tail -n 1)" \
      "(all it said: $log)"
  fi
}

# The compiler: what CXX says, else this machine's default, by its own name where that is clang++.
compiler() {
  if [[ -n ${CXX:-} ]]; then
    printf '%s' "$CXX"
  elif [[ $(c++ --version 2>/dev/null) == *clang* ]] && have clang++; then
    printf 'clang++'
  else
    printf 'c++'
  fi
}

need_build_tools() {
  [[ $(uname -m) == x86_64 ]] || misused "this machine is a $(uname -m); kmapper is built on x86_64"
  [[ -z ${CXX:-} ]] || have "$CXX" || misused "CXX is $CXX, which is no command here"
  need cmake have cmake
  need ninja-build have ninja
  need python3 have python3
  need g++ have "$(compiler)"
}

need_spin() { need spin have spin; need gcc have gcc; } # which compiles what Spin generates
# need_port FOLDER: the compiler and the machine of one of ports/.
need_port() {
  need python3 have python3
  case $1 in
    i386) need_32_bit; need_qemu ;;
    armv7-lpae) need g++-arm-linux-gnueabihf have arm-linux-gnueabihf-g++; need qemu-system-arm have qemu-system-arm ;;
    riscv32) need g++-riscv64-linux-gnu have riscv64-linux-gnu-g++; need qemu-system-misc have qemu-system-riscv32 ;;
  esac
}
need_qemu() { need qemu-system-x86 have qemu-system-x86_64; }
readonly grub=/usr/lib/grub/i386-pc # the boot loader for a PC's BIOS
need_grub() { need grub-common have grub-mkrescue; need grub-pc-bin test -d "$grub"; need xorriso have xorriso; }
# Bochs plays what QEMU cannot. Where apt cannot install it, its test is skipped, and the others run.
need_bochs() { have bochs || (needs=(bochs bochs-term bochsbios vgabios) && install_needs >&2) || true; }
need_boost() { need libboost-dev test -e /usr/include/boost/interprocess/mapped_region.hpp; } # for a bench's row
need_packaging() {
  need dpkg-dev have dpkg-shlibdeps
  need file have file
  need doxygen have doxygen
  need pkg-config have pkg-config
  need_python_headers
}
# The module is for the system's Python, which may not be the first in PATH.
need_python_headers() { need python3 test -x /usr/bin/python3; need libpython3-dev python_headers; }
python_headers() { test -e "$(/usr/bin/python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h"; }
need_numpy() { need python3-numpy test -e /usr/lib/python3/dist-packages/numpy; }
need_googletest() { need libgtest-dev test -e /usr/include/gtest/gtest.h -a -e /usr/src/googletest/CMakeLists.txt; }
