#!/usr/bin/env bash
# Tests an installed package as a user would: unpacks it into a folder, and builds programs with its contents.
#
# package.sh FOLDER ARCHITECTURE CHECK     FOLDER: where the packages are (install: a build tree)
#
# ./dev sets in the environment how this machine runs i386 programs: KMAPPER_32_BIT_EMULATOR is the command that runs
# them, with semicolons between its words, or empty. If KMAPPER_32_BIT is none, a check that has to run one exits with
# 77, which CTest shows as skipped.
set -euo pipefail
export LC_ALL=C # the words of readelf and diff

folder=$1 architecture=$2 check=$3 here=$(cd -- "$(dirname -- "$0")" && pwd)
compiler=${CXX:-c++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
root=$work/root

fail() {
  printf 'not ok: %s\n' "$*"
  exit 1
}

# The headers <asm/...> of i386 lie where those of amd64 lie, unless gcc-multilib links them to a place for both.
case $architecture in
  i386) width=(-m32 -idirafter /usr/include/x86_64-linux-gnu) triplet=i386-linux-gnu ;;
  *) width=(-m64) triplet=x86_64-linux-gnu ;;
esac
emulator=()
[[ $architecture != i386 ]] || IFS=';' read -r -a emulator <<<"${KMAPPER_32_BIT_EMULATOR:-}"
lib=$root/usr/lib/$triplet include=$root/usr/include
# The one place that states the version.
version=$(sed -nE 's/^#define KMAPPER_VERSION_(MAJOR|MINOR|PATCH) ([0-9]+)$/\2/p' "$here/../../include/kmapper/version.h" |
  paste -sd .)

# unpack PACKAGE ARCHITECTURE FOLDER
unpack() {
  local packages=("$folder/$1"_*_"$2".deb)
  if ((${#packages[@]} != 1)) || [[ ! -e ${packages[0]} ]]; then
    fail "there is not one package $1 for $2: ${packages[*]}"
  fi
  dpkg-deb -x "${packages[0]}" "$3"
}

# Called before a step that runs programs.
runs_programs() {
  if [[ $architecture == i386 && ${KMAPPER_32_BIT:-} == none ]]; then
    printf 'skipped: no i386 program runs on this machine\n'
    exit 77
  fi
}

# works PROGRAM: the program shows the last page of a file that is too large to map whole, and changes a byte there.
works() {
  local said gib=5
  ((${#emulator[@]} == 0)) || gib=3 # QEMU 7.2 cuts the offsets of 32-bit programs to 32 bits
  truncate -s ${gib}G file
  printf 'Hello' | dd of=file bs=1 seek=$((gib * 1024 * 1024 * 1024 - 4096)) conv=notrunc status=none
  said=$(LD_LIBRARY_PATH=$lib "${emulator[@]}" "$1" file) || fail "$1 ended with $?, and said: $said"
  [[ $said == Hello ]] || fail "$1 said: $said"
  [[ $(tail -c 4096 file | head -c 5) == Jello ]] || fail "$1 did not write to the file"
}

# The libraries export exactly the names that the headers mark.
check_exports() {
  local name marked shown
  marked=$(find "$include" -name '*.h*' ! -name export.h -exec cat {} + | tr '\n' ' ' | grep -o 'KMAPPER_API [^;{]*' |
    sed -E 's/.*KMAPPER_LINUX\((\w+)\).*/kmapper_linux_\1/; t; s/^KMAPPER_API (\w+) *(: public .*)?$/\1/; t; s/^[^(]*\b(\w+)\(.*/\1/' |
    sort -u)
  shown=$(nm -DC --defined-only "$lib/libkmapper.so" "$lib/libkmapper_linux.so" | cut -d ' ' -f 3- -s |
    sed -E 's/^kmapper::process:://; s/(\[|[:(]).*//; s/@.*//' | sort -u)
  [[ -n $marked ]] || fail "no header marks anything with KMAPPER_API"
  for name in $shown; do
    grep -qx "$name" <<<"$marked" || fail "a library shows $name, which no header marks with KMAPPER_API"
  done
  for name in $marked; do
    grep -qx "$name" <<<"$shown" || fail "a header marks $name with KMAPPER_API, and no library has it"
  done
}

# What each library exports is what is listed for it: docs/ABI.md.
check_symbols() {
  local library list wrong=0 bits=64
  [[ $architecture != i386 ]] || bits=32
  for library in "$lib"/libkmapper*.so; do
    "$here/symbols.py" "$here/symbols/$(basename "$library" .so).$bits" "$library" || wrong=1
  done
  for list in "$here/symbols/"*".$bits"; do
    [[ -e $lib/$(basename "$list" .$bits).so ]] || fail "the package has no library for $list"
  done
  ((wrong == 0)) || fail "a library does not export what is listed for it"
}

check_needs() {
  local library about needed
  for library in libkmapper.so libkmapper_linux.so; do
    about=$(readelf -hd "$lib/$library")
    [[ $about == *"Library soname: [$library.${version%.*}]"* ]] ||
      fail "the SONAME of $library is not $library.${version%.*}"
    while read -r needed; do
      case $needed in
        libc.so.6 | libstdc++.so.6 | libgcc_s.so.1 | ld-linux*) ;;
        *) fail "$library needs $needed" ;;
      esac
    done < <(sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' <<<"$about")
  done
  needed=$(dpkg-deb -f "$folder"/libkmapper-dev_*_"$architecture".deb Architecture Depends Multi-Arch)
  [[ $needed == *"Architecture: $architecture"* && $needed == *"Multi-Arch: same"* ]] || fail "it says: $needed"
  [[ $needed =~ Depends:.*libc6\ \(\>=\ 2\.[0-9]+.*libstdc\+\+6\ \(\>=\ [0-9]+ ]] || fail "it says: $needed"
}

# configure FOLDER PREFIX OPTION...: the program's CMake project, in that folder, with the package below that prefix.
configure() {
  cmake -G Ninja -S "$here/program" -B "$1" -D CMAKE_PREFIX_PATH="$2" -D CMAKE_CXX_COMPILER="$compiler" \
    -D CMAKE_C_FLAGS="${width[*]}" -D CMAKE_CXX_FLAGS="${width[*]}" -D CMAKE_LIBRARY_ARCHITECTURE=$triplet "${@:3}"
}

# find_version VERSION: asks CMake for the package.
find_version() { configure "find-$1" "$root/usr" -D WANTED="$1" 2>&1; }

# The headers, the libraries that a program runs with, pkg-config, CMake and the package are of one version.
check_version() {
  local said flags name how
  export PKG_CONFIG_PATH=$lib/pkgconfig
  grep -qF "$version" "$here/../../CHANGELOG.md" || fail "CHANGELOG.md says nothing of version $version"
  said=$(dpkg-deb -f "$folder"/libkmapper-dev_*_"$architecture".deb Version)
  [[ $said == "$version" ]] || fail "the package says $said, and version.h $version"
  said=$(find_version "${version%.*}") || fail "CMake does not find version ${version%.*}: $said"
  [[ $said == *"-- kmapper $version"* ]] || fail "CMake does not find $version: $said"
  ! said=$(find_version 0.0) || fail "CMake takes $version for 0.0: $said"
  for name in kmapper kmapper_linux; do
    said=$(pkg-config --modversion $name)
    [[ $said == "$version" ]] || fail "pkg-config says that $name is $said, and version.h says $version"
    [[ -f $lib/lib$name.so.$version ]] || fail "there is no lib$name.so.$version"
  done
  runs_programs
  for name in kmapper kmapper_linux; do
    for how in --shared --static; do
      flags=$(pkg-config $how --cflags --libs $name)
      [[ $how == --shared ]] || flags+=" -static"
      # shellcheck disable=SC2086  # the flags are words
      "$compiler" "${width[@]}" -std=c++20 "$here/program/version.cpp" -o version $flags
      said=$(LD_LIBRARY_PATH=$lib "${emulator[@]}" ./version) || fail "$name and the headers differ: $said"
      [[ $said == "$version" ]] || fail "$name says that it is $said, and version.h says $version"
    done
  done
}

# C99, which needs nothing of C++ except its library, and that only for static linking.
check_c() {
  local flags cc=cc
  [[ $compiler != *clang* ]] || cc=clang
  export PKG_CONFIG_PATH=$lib/pkgconfig
  flags=$(pkg-config --cflags --libs kmapper)
  # shellcheck disable=SC2086  # the flags are words
  "$cc" "${width[@]}" -std=c99 -Wall -Wextra -Werror "$here/program/program.c" -o shared $flags
  flags=$(pkg-config --static --cflags --libs kmapper)
  # shellcheck disable=SC2086
  "$cc" "${width[@]}" -std=c99 -static "$here/program/program.c" -o static $flags
  # shellcheck disable=SC2046
  "$cc" "${width[@]}" -std=c99 -Wall -Wextra -Werror "$here/program/highmem.c" -o highmem \
    $(pkg-config --cflags --libs kmapper_linux)
  runs_programs
  works ./shared
  works ./static
  LD_LIBRARY_PATH=$lib "${emulator[@]}" ./highmem || fail "a program of linux/highmem.h ended with $?"
  ((${#emulator[@]})) || "$root/usr/bin/kmapper-check" --cc "$cc" "${width[@]}" "$here/program/highmem.c" ||
    fail "kmapper-check ended with $?"
}

# Each header compiles alone, with only the package; and also as C, if it is for C. Kernel code is GNU C.
check_headers() {
  local header language
  while read -r header; do
    for language in c++:c++20 c:c99; do
      [[ $language != c:* || $header == *.h ]] || continue
      [[ $language != c:* || $header != kmapper/linux/* ]] || language=c:gnu89
      "$compiler" "${width[@]}" -x "${language%:*}" "-std=${language#*:}" -Wall -Wextra -Werror -fsyntax-only \
        -I"$include" -include "$header" /dev/null || fail "$header does not compile by itself as $language"
    done
  done < <(cd "$include" && find kmapper -name '*.h*')
}

# build_with_cmake PREFIX
build_with_cmake() {
  if ! { configure build "$1" && cmake --build build; } >log 2>&1; then
    cat log
    fail "the program does not build with CMake"
  fi
  [[ $(readelf -d build/with_kmapper) == *"[libkmapper.so.${version%.*}]"* ]] ||
    fail "the program with the shared library does not use it"
  [[ $(readelf -d build/with_kmapper_static) != *libkmapper* ]] ||
    fail "the program with the static library uses the shared one"
  runs_programs
  works build/with_kmapper
  works build/with_kmapper_static
}

check_cmake() { build_with_cmake "$root/usr"; }

check_install() {
  cmake --install "$folder" --prefix "$work/prefix" >log || { cat log; fail "cmake --install"; }
  build_with_cmake "$work/prefix"
}

check_pkg-config() {
  local flags
  export PKG_CONFIG_PATH=$lib/pkgconfig
  flags=$(pkg-config --cflags --libs kmapper)
  # shellcheck disable=SC2086  # the flags are words
  "$compiler" "${width[@]}" -std=c++20 "$here/program/program.cpp" -o shared $flags
  flags=$(pkg-config --static --cflags --libs kmapper)
  # shellcheck disable=SC2086
  "$compiler" "${width[@]}" -std=c++20 -static "$here/program/program.cpp" -o static $flags
  runs_programs
  works ./shared
  works ./static
}

# The examples need only the package, too, and pass their tests with the shared library.
check_examples() {
  local example flags examples=$here/../../examples
  export PKG_CONFIG_PATH=$lib/pkgconfig LD_LIBRARY_PATH=$lib
  flags=$(pkg-config --cflags --libs kmapper)
  for example in bigsort highmem_cache; do
    # shellcheck disable=SC2086  # the flags are words
    "$compiler" "${width[@]}" -std=c++20 -O1 -D_FILE_OFFSET_BITS=64 "$examples/$example"/*.cpp "$examples"/common/*.cpp \
      -o "$example" $flags
  done
  runs_programs
  for example in bigsort highmem_cache; do
    "$here/../examples/$example.sh" "${emulator[@]}" "$work/$example"
  done
}

# starter FILE EXPECTED: its commands find the package where it would be if it were installed.
starter() {
  mkdir -p commands
  ln -sf "$(command -v "$compiler")" commands/c++
  PATH=$PWD/commands:$PATH CPLUS_INCLUDE_PATH=$include C_INCLUDE_PATH=$include LIBRARY_PATH=$lib \
    LD_LIBRARY_PATH=$lib "$here/../examples/starter.sh" "$1" 0 "$2"
}

# The programs that a user begins with, each for the architecture that its first comment speaks of.
check_starters() {
  if [[ $architecture == i386 ]]; then
    runs_programs
    if ((${#emulator[@]} > 0)); then
      printf 'skipped: the emulator cuts the offsets of 32-bit programs to 32 bits\n'
      exit 77
    fi
    starter address_space.cpp 'These bytes lie at 100 GiB.'
  else
    starter bounded.cpp $'1 TiB: sum 0, within the budget\ntruncated: 0, the file has become shorter than what is mapped of it'
    starter count_lines.c "$(wc -l <"$here/../../examples/starter/count_lines.c")"
  fi
}

# The module for Python has a package that needs only this one and Python, and passes its tests with Debian's Python.
check_python() {
  local said test status folder_of_python=$root/usr/lib/python3/dist-packages
  unpack python3-kmapper "$architecture" "$root"
  said=$(dpkg-deb -f "$folder"/python3-kmapper_*_"$architecture".deb Version Depends Recommends Multi-Arch)
  [[ $said == "Version: $version"$'\n'"Depends: libkmapper-dev (= $version), python3 (>= 3.11)" ]] || fail "it says: $said"
  said=$(readelf -d "$folder_of_python/kmapper/_kmapper.abi3.so" | sed -nE 's/.*\((NEEDED|RUNPATH)\).*\[(.*)\]/\2/p')
  [[ $said == "libkmapper.so.${version%.*}"$'\n'libc.so.6 ]] || fail "the module needs: $said"
  grep -q 'MIT License' "$root/usr/share/doc/python3-kmapper/copyright" || fail "the licence is missing"
  for test in "$here"/../python/*_test.py; do
    status=0
    PYTHONPATH=$folder_of_python LD_LIBRARY_PATH=$lib /usr/bin/python3 -B "$test" >log 2>&1 || status=$?
    ((status == 0)) || cat log
    ((status != 77)) || exit 77
    ((status == 0)) || fail "$(basename "$test") ended with $status"
  done
}

# manual_page NAME: what it says.
manual_page() { zcat "$root/usr/share/man/man3/$1.3.gz" 2>/dev/null || fail "no manual page for $1" >&2; }

# Each header, each class of note and each C function has a manual page, and each page says what it is of.
check_reference() {
  local header name page names
  while read -r header; do
    name=$(basename "$header")
    [[ $name == kmapper.h ]] || name=kmapper_$name
    page=$(manual_page "$name")
    [[ $page == *.SH\ NAME*"$header \\- "[A-Z]* ]] || fail "the manual page of $header does not say what it is for"
    [[ $header == *.h && $header != */export.h ]] || continue
    names=$(tr '\n' ' ' <"$include/$header" | grep -o 'KMAPPER_API [^;{(]*(' | sed -E 's/.*\b(\w+)\($/\1/' || true)
    for name in $names; do
      [[ $name == kmapper_* ]] || name=kmapper_linux_$name
      page=$(manual_page "$name")
      [[ $page == *.SH\ NAME*"$name \\- "?*"#include <$header>"*.SH\ DESCRIPTION* ]] ||
        fail "the manual page of $name says: $page"
    done
  done < <(cd "$include" && find kmapper -name '*.h*')
  [[ $(manual_page kmapper_process_FileWindow) == *.SH\ NAME* ]] || fail "no manual page for FileWindow"
  if command -v man >/dev/null; then
    [[ $(man --manpath="$root/usr/share/man" kmapper_window_map 2>&1) == *'kmapper_window *'*offset* ]] ||
      fail "man does not show kmapper_window_map"
  fi
  grep -rq 'FileWindow' "$root/usr/share/doc/libkmapper-dev/html/annotated.html" || fail "FileWindow is not in the HTML"
  grep -q 'MIT License' "$root/usr/share/doc/libkmapper-dev/copyright" || fail "the licence is missing"
  ! grep -rl "$(cd "$here/../.." && pwd)" "$root" || fail "these files name the folder that they were built in"
}

# Files at the same place in both architectures' packages are equal, so that both can be installed.
check_unpack() {
  local differ
  unpack libkmapper-dev amd64 one
  unpack libkmapper-dev i386 other
  differ=$(diff -rq one other || true)
  differ=$(grep -v '^Only in \(one\|other\)/usr/lib: ' <<<"$differ" || true)
  [[ -z $differ ]] || fail "the packages are not for one machine: $differ"
}

[[ $check == install || $check == unpack ]] || unpack libkmapper-dev "$architecture" "$root"
"check_$check"
