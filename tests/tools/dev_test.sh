#!/usr/bin/env bash
# What ./dev test makes of what CTest says: scripts stand in the place of cmake and ctest, so that nothing is built.
#
# dev_test.sh ROOT
set -uo pipefail

wrong=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree" "$work/bin"
cp -r "$1/dev" "$1/tools" "$work/tree"
cd "$work" || exit 1
ccache=$(command -v ccache || true)
export PATH=$work/bin:$PATH

# When it is to configure a preset, it remembers what it was told, as CMake does.
cat >bin/cmake <<'END'
#!/bin/bash
[[ $1 == -S ]] || exit 0
printf '%s\n' "$*" >>"$(dirname "$0")/../configured"
folder=$2/build/$4
mkdir -p "$folder"
touch "$folder/build.ninja"
{
  printf 'CMAKE_HOME_DIRECTORY:INTERNAL=%s\n' "$2"
  for word; do [[ $word != CMAKE_*=* ]] || printf '%s:STRING=%s\n' "${word%%=*}" "${word#*=}"; done
} >"$folder/CMakeCache.txt"
END
cat >bin/ctest <<'END'
#!/bin/sh
work=$(dirname "$0")/..
env >"$work/environment"
umask >>"$work/environment"
kept=$work/tree/build/debug/Testing/Temporary
mkdir -p "$kept" "$work/tree/build/m32/Testing/Temporary"
cp "$work/kept" "$kept/LastTest.log"
cp "$work/kept" "$kept/../../../m32/Testing/Temporary/LastTest.log"
cat "$work/said"
END
printf '#!/bin/sh\ncase "$*" in *dumpversion*) echo 12 ;; *) exit 0 ;; esac\n' >bin/c++
mkdir other
cp bin/c++ other/other
chmod +x bin/* other/*
: >kept

# judges STATUS LAST_LINES [VARIABLE=VALUE] SUITE...: with what stands in the file `said` as CTest's words.
judges() {
  local expected=$1 last=$2 said status=0
  shift 2
  said=$(env CXX="$work/bin/c++" "$@" 2>&1) || status=$?
  if ((status != expected)) || [[ $said != *$'\n'"$last" ]]; then
    printf 'not ok: %s\n  should end with (%d): %s\n  said (%d): %s\n' "$*" "$expected" "$last" "$status" "$said"
    wrong=1
  fi
}

cat >said <<'END'
      Start  1: unit.A.Passes
      Start  2: unit.A.IsSkipped
1/3 Test  #1: unit.A.Passes ...............   Passed    0.01 sec
2/3 Test  #2: unit.A.IsSkipped ............***Skipped   0.01 sec
3/3 Test  #3: unit.B.Passes ...............   Passed    0.01 sec

100% tests passed, 0 tests failed out of 3
END
printf '%s\n' '1/3 Test: unit.A.Passes' 'skipped: x' '<end of output>' '2/3 Test: unit.A.IsSkipped' 'skipped: no i386 here' \
  '<end of output>' >kept
judges 0 $'2 passed, 0 failed, 1 skipped' tree/dev test unit
judges 0 $'  skipped: unit.A.IsSkipped: no i386 here' sh -c 'tree/dev test unit | sed "/skipped: /q"'
printf '%s\n' '2/3 Test: unit.A.IsSkipped' 'a_test.cpp:7: Skipped' 'no FUSE here' '[  SKIPPED ]' '<end of output>' >kept
judges 0 $'  skipped: unit.A.IsSkipped: no FUSE here' sh -c 'tree/dev test unit | sed "/skipped: /q"'
judges 0 $'not tested on this machine: m32\n2 passed, 0 failed, 1 skipped' KMAPPER_32_BIT=none tree/dev test unit m32
judges 1 $'not tested on this machine: m32\n0 passed, 0 failed\ndev: nothing was tested' KMAPPER_32_BIT=none tree/dev test m32
judges 0 $'4 passed, 0 failed, 2 skipped' KMAPPER_32_BIT=native tree/dev test unit m32

# CTest was killed, or could not begin: whatever passed before, the suite has failed.
mv said whole
head -n 4 whole >said
judges 1 $'0 passed, 1 failed' tree/dev test unit
mv whole said

# expects LINE...: these are among CTest's environment.
expects() {
  local line
  for line; do
    grep -qx -- "$line" environment && continue
    printf 'not ok: CTest should have: %s\n  has:\n%s\n' "$line" "$(cat environment)"
    wrong=1
  done
}
(umask 077 && LC_ALL=de_DE.UTF-8 tree/dev test unit >/dev/null 2>&1)
expects LC_NUMERIC=C LC_MESSAGES=C 0022
! grep LC_ALL environment || wrong=1

# A folder for temporary files where nothing may be executed; without the right to mount one, this is left out.
mkdir noexec
# shellcheck disable=SC2016  # for the inner shell
if unshare --mount sh -c 'mount -t tmpfs -o noexec none noexec && TMPDIR=$PWD/noexec tree/dev test unit' >/dev/null 2>&1; then
  expects "TMPDIR=$work/tree/build/tmp"
fi

cat >said <<'END'
1/3 Test  #1: unit.A.Passes ...............   Passed    0.01 sec
2/3 Test  #2: unit.A.Fails ................***Failed    0.01 sec
what it said
3/3 Test  #3: unit.B.Hangs ................***Timeout 300.01 sec

33% tests passed, 2 tests failed out of 3
END
judges 1 $'1 passed, 2 failed' tree/dev test unit
judges 0 "what it said" sh -c 'tree/dev test unit | sed "/what it said/q"'

printf 'No tests were found!!!\n' >said
judges 1 $'0 passed, 1 failed' tree/dev test unit

# configures [WORD] [VARIABLE=VALUE] SUITE: the preset is configured with this among CMake's words, or, without a word, not.
configures() {
  local word=$1 told
  shift
  : >configured
  env CXX="$work/bin/c++" "$@" >said.dev 2>&1
  told=$(cat configured)
  if [[ (-z $word && -n $told) || " $told " != *"$word"* ]]; then
    printf 'not ok: %s\n  should configure with: %s\n  configured with: %s\n' "$*" "${word:-nothing}" "$told"
    wrong=1
  fi
}

printf '#!/bin/sh\n' | tee bin/ccache >bin/qemu-i386
chmod +x bin/ccache bin/qemu-i386
launcher=CMAKE_CXX_COMPILER_LAUNCHER
configures "$launcher=$work/bin/ccache" tree/dev test weak
configures "" tree/dev test weak
rm bin/ccache
configures " -D $launcher=$ccache " tree/dev test weak
[[ $(cat configured) != *--fresh* ]] || { printf 'not ok: all is built again because ccache is gone\n'; wrong=1; }
configures "" tree/dev test weak
configures "--fresh" PATH="$work/other:$PATH" CXX=other tree/dev test weak

rm -r tree/build
emulator="CMAKE_CROSSCOMPILING_EMULATOR="
configures " -D $emulator " KMAPPER_32_BIT=native tree/dev test m32
configures "" KMAPPER_32_BIT=native tree/dev test m32
configures " -D ${emulator}qemu-i386;-B;0x100000000 " KMAPPER_32_BIT=emulated tree/dev test m32
configures "" KMAPPER_32_BIT=emulated tree/dev test m32
configures " -D $emulator " KMAPPER_32_BIT=native tree/dev test m32
configures "CMAKE_DISABLE_PRECOMPILE_HEADERS=OFF" tree/dev test weak
configures "" KMAPPER_32_BIT=emulated tree/dev test weak
exit $wrong
