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
export PATH=$work/bin:$PATH

printf '#!/bin/sh\nexit 0\n' >bin/cmake
cat >bin/ctest <<'END'
#!/bin/sh
work=$(dirname "$0")/..
env >"$work/environment"
umask >>"$work/environment"
cat "$work/said"
END
printf '#!/bin/sh\ncase "$*" in *dumpversion*) echo 12 ;; *) exit 0 ;; esac\n' >bin/c++
chmod +x bin/*

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
judges 0 $'2 passed, 0 failed, 1 skipped' tree/dev test unit
judges 0 $'  skipped: unit.A.IsSkipped' sh -c 'tree/dev test unit | sed "/skipped: /q"'
judges 0 $'not tested on this machine: m32\n2 passed, 0 failed, 1 skipped' KMAPPER_32_BIT=none tree/dev test unit m32
judges 1 $'not tested on this machine: m32\n0 passed, 0 failed\ndev: nothing was tested' KMAPPER_32_BIT=none tree/dev test m32
judges 0 $'4 passed, 0 failed, 2 skipped' KMAPPER_32_BIT=native tree/dev test unit m32

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
exit $wrong
