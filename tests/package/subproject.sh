#!/usr/bin/env bash
# Makes kmapper a part of another project, and sees that the project gets the libraries and nothing else.
#
# subproject.sh add_subdirectory|FetchContent|kernel     kernel: add_subdirectory, for a machine without an operating system
set -euo pipefail

how=$1 here=$(cd -- "$(dirname -- "$0")" && pwd)
root=$(cd -- "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
  printf 'not ok: %s\n' "$*"
  exit 1
}

# quietly COMMAND...: its words only where it fails.
quietly() { "$@" >log 2>&1 || { cat log; fail "$*"; }; }

fetch=OFF
[[ $how != FetchContent ]] || fetch=ON
launcher=$(command -v ccache || true)
configure=(cmake -G Ninja -S "$here/subproject" -B build -D KMAPPER="$root" -D "FETCH=$fetch"
  -D CMAKE_CXX_COMPILER="${CXX:-c++}" -D CMAKE_CXX_COMPILER_LAUNCHER="$launcher")
[[ $how != kernel ]] ||
  configure+=(-D CMAKE_SYSTEM_NAME=Generic -D CMAKE_CXX_FLAGS="-ffreestanding -fno-exceptions -fno-rtti -nostdlib"
    -D CMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY)
quietly "${configure[@]}"
! grep -i 'warning' log || fail "CMake warns"
# FetchContent calls add_subdirectory: what that builds is seen once.
build=(cmake --build build -j 2)
[[ $how != FetchContent ]] || build+=(--target with_core)
quietly "${build[@]}"

# What the libraries are compiled with: no warnings of ours, and no error of one.
ninja -C build -t commands >compiled_with
! grep -o -e ' -W[a-km-z][^ ]*' compiled_with | sort -u | grep . || fail "kmapper is compiled with these in another project"
[[ $(ctest --test-dir build -N 2>&1) != *kmapper* ]] || fail "kmapper's tests are the project's"
[[ ! -e build/compile_commands.json ]] || fail "kmapper has CMake write compile_commands.json"
if [[ $how == kernel ]]; then
  [[ $(grep -c -e ' -c ' compiled_with) == 1 ]] || fail "more is compiled than the kernel: $(cat compiled_with)"
  exit
fi
build/with_core || fail "the program with the core"
[[ $how != FetchContent ]] || exit 0

truncate -s 1M file
printf 'Hello' | dd of=file bs=1 seek=$((1024 * 1024 - 4096)) conv=notrunc status=none
[[ $(build/with_shared file) == Hello ]] || fail "the program with the shared library"
[[ $(build/with_static file) == Jello ]] || fail "the program with the static library"
build/with_linux >/dev/null || fail "the program with the Linux face"

quietly cmake --install build --prefix theirs
[[ $(cd theirs && find . -type f) == ./bin/with_static ]] || fail "installed: $(cd theirs && find . -type f)"

# Where the project asks for it, kmapper is installed with it.
quietly "${configure[@]}" -D KMAPPER_INSTALL=ON
quietly cmake --build build -j 2
quietly cmake --install build --prefix both
for file in bin/with_static include/kmapper/kmapper.h; do
  [[ -e both/$file ]] || fail "with KMAPPER_INSTALL there is no $file"
done
[[ -n $(find both -name kmapper-config.cmake) ]] || fail "with KMAPPER_INSTALL CMake does not find the package"
