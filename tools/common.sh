# How ./dev's commands speak, and how they read their options.
# shellcheck shell=bash disable=SC2154  # root is dev's

say() { printf '%s\n' "$*"; }

# One aligned line: what, and what about it.
tell() { printf '%-10s %s\n' "$1" "$2"; }

# One clear line that names the thing, the value and the limit.
misused() {
  printf 'dev: %s\n' "$*" >&2
  exit 2
}

failed() {
  printf 'dev: %s\n' "$*" >&2
  exit 1
}

# A file's name as it may be shown on a terminal: whatever it holds, it moves no cursor.
printable() { printf '%s' "${1//[[:cntrl:]]/?}"; }

# 1536 -> "1.5 KiB"
human_size() {
  local bytes=$1 unit
  ((bytes < 1024)) && { printf '%d bytes' "$bytes"; return; }
  for unit in KiB MiB GiB TiB; do
    ((bytes < 1024 * 1024)) && break
    ((bytes /= 1024))
  done
  printf '%d.%d %s' $((bytes / 1024)) $((bytes % 1024 * 10 / 1024)) "$unit"
}

# value OPTION VALUE...: the value, where there is one.
value() {
  (($# > 1)) || misused "$1 needs a value"
  printf '%s' "$2"
}

# number LEAST MOST OPTION VALUE...: the value, where it is such a number, without leading zeros.
number() {
  local text
  text=$(value "${@:3}") || exit
  if ! [[ $text =~ ^[0-9]{1,5}$ ]] || ((10#$text < $1 || 10#$text > $2)); then
    misused "$3 $text: not a number from $1 to $2"
  fi
  printf '%d' "$((10#$text))"
}

# usage_of COMMAND: the comment that its file begins with.
usage_of() { sed -n '/^#/!q; s/^# \{0,1\}//p' "$root/tools/$1.sh"; }

# no_options COMMAND [WORD...]: for a command that has no option but --help.
no_options() {
  case ${2:-} in
    --help | -h) usage_of "$1"; exit ;;
    "") ;;
    *) misused "$1 has no option $2" ;;
  esac
}
