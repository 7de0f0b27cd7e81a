#!/usr/bin/env bash
# What ./dev finds out about sanitizers, on machines of each kind: a script in the compiler's place makes a program that
# ends as it does there.
#
# sanitizers.sh ROOT
# shellcheck disable=SC2317  # what tools/sanitizers.sh calls is reachable
set -uo pipefail

wrong=0 unrandomised=()
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
say() { printf '%s\n' "$*"; }
compiler() { printf '%s' "$root/compiler"; }
# shellcheck source=tools/sanitizers.sh
source "$1/tools/sanitizers.sh"

# finds PRESET LAST_LINE PROGRAM [TEXT]: with that shell script for a program; without one nothing compiles.
finds() {
  local said
  # shellcheck disable=SC2016  # for the script
  printf '#!/bin/bash\nwhile [[ $1 != -o ]]; do shift; done\nprintf "%%s" %q >"$2"\nchmod +x "$2"\n%s\n' \
    "#!/bin/sh"$'\n'"$3" "$([[ $3 ]] || printf false)" >"$root/compiler"
  chmod +x "$root/compiler"
  said=$(
    unset ASAN_OPTIONS
    if runs_sanitized "$1"; then say "runs, ${ASAN_OPTIONS:-with all}"; else say "$why"; fi
    printf '#!/bin/sh\nfalse\n' >"$root/compiler" # it is not asked again
    runs_sanitized "$1"
  )
  if [[ $said != *"$2" || $said != *"${4:-}"* ]]; then
    printf 'not ok: %s\n  should say: %s, %s\n  said: %s\n' "$3" "${4:-}" "$2" "$said"
    wrong=1
  fi
}

finds asan "runs, with all" 'exit 0'
finds tsan "runs, with all" 'exit 0'
finds debug "runs, with all" 'exit 1'
finds tsan "makes no program with -fsanitize=thread" ''
finds tsan "no program with -fsanitize=thread runs here: FATAL: ThreadSanitizer: unexpected memory mapping" \
  'echo "FATAL: ThreadSanitizer: unexpected memory mapping"; exit 66'
# shellcheck disable=SC2016
finds tsan "runs here: " 'test -e "$0.once" && exit 1; touch "$0.once"'
# shellcheck disable=SC2016
finds asan "runs, detect_leaks=0" 'test "$ASAN_OPTIONS" = detect_leaks=0' "leaks are not looked for"
finds asan "runs here: " 'exit 1'
exit $wrong
