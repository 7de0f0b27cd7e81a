#!/usr/bin/env bash
# Builds a program for a bare machine, and boots it in QEMU. The exit code is 0 for PASS, 1 for FAIL, 3 if the machine
# ended in another way; 124 after TIMEOUT (60) seconds.
#
# run.sh CPU PROGRAM [OPTION...]      CPU and PROGRAM: as build.sh takes them
#   --cpus N      1 to 4
#   --memory M    such as 600M or 1G
#   --file F      puts the file at the beginning of high memory, and tells the program its length
#   --source F    one source or object more
#   --icount      one instruction is one nanosecond: for bench, with one CPU
# shellcheck disable=SC2154  # port.conf sets them
set -euo pipefail

misused() {
  printf 'run.sh: %s\n' "$*" >&2
  exit 2
}

ports=$(cd -- "$(dirname -- "$0")" && pwd)
(($# >= 2)) || misused 'usage: run.sh CPU PROGRAM [--cpus N] [--memory M] [--file F] [--source F] [--icount]'
[[ -f $ports/$1/port.conf ]] || misused "there is no port for the CPU $1"
cpu=$1 program=$2 folder=$ports/$1
shift 2
# shellcheck source=/dev/null
source "$folder/port.conf"

cpus=1 file="" sources=() options=()
while (($#)); do
  case $1 in
    --icount) options+=(-icount shift=0) ;;
    --cpus | --memory | --file | --source)
      (($# >= 2)) || misused "$1 needs a value"
      case $1 in
        --cpus) cpus=$2 ;;
        --memory) memory=$2 ;;
        --file) file=$2 ;;
        --source) sources+=("$2") ;;
      esac
      shift
      ;;
    *) misused "there is no option $1" ;;
  esac
  shift
done
[[ $cpus =~ ^[1-4]$ ]] || misused "--cpus $cpus: the machine has 1 to 4 CPUs"
[[ $memory =~ ^([0-9]{1,5})([MG])$ ]] || misused "--memory $memory: not a size; write it like 600M or 1G"
mib=$((10#${BASH_REMATCH[1]}))
if [[ ${BASH_REMATCH[2]} == G ]]; then mib=$((mib * 1024)); fi
((mib >= least_mib && mib <= most_mib)) || misused "--memory $memory: the machine has $least_mib to $most_mib MiB"
if [[ -n $file ]]; then
  [[ -f $file && -r $file ]] || misused "$file: no file that can be read"
  file=$(realpath -- "$file")
  bytes=$(stat -L -c %s -- "$file")
  room=$(((mib << 20) - direct))
  ((bytes <= room)) || misused "$file: has $bytes bytes, and high memory has room for $room"
  options+=(-device "loader,file=${file//,/,,},addr=$high,force-raw=on" -append "file=$bytes")
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$ports/build.sh" "$cpu" "$program" "$work/kernel" "${sources[@]}"
if declare -F extra_options >/dev/null; then mapfile -t -O "${#options[@]}" options < <(extra_options "$work/kernel"); fi

cd -- "$work" # QEMU puts the path before the kernel's arguments, and the path may have a blank
status=0
timeout --kill-after=5 "${TIMEOUT:-60}" "${qemu[@]}" -nodefaults -display none -no-reboot -serial stdio \
  -smp "$cpus" -m "$mib" -kernel kernel "${options[@]}" </dev/null || status=$?
case $status in
  "$pass") exit 0 ;;
  "$fail") exit 1 ;;
  124 | 137) exit 124 ;;
  *) exit 3 ;;
esac
