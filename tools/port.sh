# ./dev run --cpu: the smallest machines, of ports/. tools/run.sh sources this file.
# shellcheck shell=bash disable=SC2154  # root is dev's; the options are command_run's

# run_port CPU: with command_run's variables; `given` has the options that were given, but --cpu.
run_port() {
  local folder option arguments=() status=0 expected
  case $1 in
    i386) folder=i386 ;;
    arm) folder=armv7-lpae ;;
    riscv32) folder=riscv32 ;;
    *) misused "--cpu $1: there is no port for that CPU; there are: i386, arm, riscv32" ;;
  esac
  for option in "${given[@]}"; do
    case $option in
      --memory) arguments+=(--memory "${memory^^}") ;;
      --cpus) ;;
      *) misused "run --cpu does not take $option; it takes --cpus, --memory and a FILE" ;;
    esac
  done
  check_range --cpus "$cpus" 1 4 "the machine has 1 to 4 CPUs"
  [[ $memory =~ ^[0-9]{1,5}[MmGg]$ ]] || misused "--memory $memory: not a size; write it like 512M or 1G"
  ((${#files[@]} <= 1)) || misused "run --cpu takes one FILE, and ${#files[@]} were given"
  ((${#files[@]} == 0)) || check_file "${files[0]}"

  need_port "$folder"
  install_needs
  ((${#files[@]})) || files=("$(default_file)")
  tell file "$(printable "${files[0]}")"
  expected=$(python3 -c 'import sys, zlib; print("0x%08x" % zlib.crc32(open(sys.argv[1], "rb").read()))' "${files[0]}")
  tell machine "ports/$folder, $((10#$cpus)) CPUs; QEMU with TCG"
  mkdir -p "$root/build"
  TIMEOUT=600 "$root/ports/run.sh" "$folder" main --cpus "$((10#$cpus))" "${arguments[@]}" --file "${files[0]}" |
    tee "$root/build/run-port.log" || status=$?
  case $status in
    0) ;;
    2) exit 2 ;;
    124) failed "the machine did not end in 600 s" ;;
    *) failed "the machine ended with $status" ;;
  esac
  grep -q "^file: crc32 $expected," "$root/build/run-port.log" ||
    failed "the file's CRC-32 is $expected, and the machine printed another"
  say "PASS: the CRC-32 is $expected, as Python says"
}
