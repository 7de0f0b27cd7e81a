# Whether programs with sanitizers run on this machine. ./dev sources this file, and has say, compiler, root and
# unrandomised.
#
# AddressSanitizer and ThreadSanitizer want fixed addresses for their shadow memory, and LeakSanitizer traces the process.
# Containers and kernels differ in what they let them have: without it every program ends at once, whatever it is.
# shellcheck shell=bash disable=SC2154  # root and unrandomised

# runs_sanitized PRESET: whether a program of that preset runs here; else `why` says why not. Asks once. Where nothing but
# the search for leaks fails, it is turned off for all that follows.
declare -A sanitized=()
runs_sanitized() {
  local flags probe=$root/build/probe-$1
  case $1 in
    asan) flags=-fsanitize=address,undefined ;;
    tsan) flags=-fsanitize=thread ;;
    *) return 0 ;;
  esac
  if [[ -z ${sanitized[$1]-} ]]; then
    sanitized[$1]=yes
    mkdir -p "$root/build"
    if ! "$(compiler)" "$flags" -x c++ - -o "$probe" <<<'int main() {}' >/dev/null 2>&1; then
      sanitized[$1]="$(compiler) makes no program with $flags"
    elif ! runs_each_time "$probe"; then
      sanitized[$1]="no program with $flags runs here: $(grep -m 1 -E 'Sanitizer|ERROR|FATAL' "$probe.log" || true)"
      [[ $1 != asan ]] || try_without_leaks "$probe"
    fi
    rm -f -- "$probe" "$probe.log"
  fi
  why=${sanitized[$1]}
  [[ $why == yes ]]
}

# Eight times, because addresses are random unless that can be turned off.
runs_each_time() {
  local _
  for _ in {1..8}; do
    "${unrandomised[@]}" "$1" >"$1.log" 2>&1 || return 1
  done
}

try_without_leaks() {
  local options=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
  if ASAN_OPTIONS=$options runs_each_time "$1"; then
    export ASAN_OPTIONS=$options
    sanitized[asan]=yes
    say "LeakSanitizer does not work here, as in containers without ptrace: leaks are not looked for"
  fi
}
