# usage: ./dev run [OPTION...] [--] [FILE...]
#        ./dev run --cpu CPU [--cpus N] [--memory SIZE] [--] [FILE]
#
# Boots the 32-bit kernel in QEMU. It copies each FILE into memory that it cannot address, through the window; a
# process computes the SHA-256 from there, and this script compares that with sha256sum's. Then the kernel writes
# and reads every page of high memory, processes on all CPUs do the same with theirs, and more threads than there
# are slots map a page each. Without a FILE it takes one that every such machine has. Exits 0 only if all of it held.
#
#   --memory SIZE   the machine's memory, 64M to 64G (default: 6G)
#   --slots N       slots of the window, 512 to 8192 (default: 512)
#   --cpus N        CPUs, 1 to 8 (default: 4)
#   --shell         keep the FILEs in high memory, and give a prompt on the serial line instead; "help" lists what
#                   it knows, "quit" or Ctrl-C ends the machine
#   --verbose       show what the machine writes to its serial line, as it comes
#   --gdb           wait for a debugger before the first instruction
#   --cpu CPU       boot the smallest machine of ports/ for that CPU instead: i386, arm or riscv32. It keeps one
#                   FILE in high memory and prints its CRC-32, which this script compares with Python's; writes and
#                   reads every page of high memory on all its CPUs (1 to 4); and has more threads than slots
#   --              what follows are FILEs, even where they begin with a dash

# shellcheck shell=bash disable=SC2154  # root is dev's, machine is machine.sh's

# shellcheck source=tools/machine.sh
source "$root/tools/machine.sh"
# shellcheck source=tools/port.sh
source "$root/tools/port.sh"

readonly min_memory_mib=64 max_memory_mib=65536 min_slots=512 max_slots=8192 max_cpus=8
readonly max_module_bytes=2147483647  # QEMU loads no larger one
readonly kernel_room_mib=16           # for the kernel, and for firmware tables above the modules
readonly low_memory_mib=640           # what the direct map reaches; high memory begins there

command_run() {
  local memory=6G slots=$min_slots cpus=4 verbose=0 gdb=0 shell=0 port="" files=() given=()
  while (($#)); do
    [[ $1 != --?*=* ]] || set -- "${1%%=*}" "${1#*=}" "${@:2}"
    case $1 in --cpu | --) ;; --*) given+=("$1") ;; esac
    case $1 in
      --cpu) port=$(value "$@"); shift ;;
      --memory) memory=$(value "$@"); shift ;;
      --slots) slots=$(value "$@"); shift ;;
      --cpus) cpus=$(value "$@"); shift ;;
      --shell) shell=1 ;;
      --verbose) verbose=1 ;;
      --gdb) gdb=1 ;;
      --help | -h) usage_of run; return ;;
      --) files+=("${@:2}"); break ;;
      -*) misused "run has no option $1 (a file of that name goes behind --)" ;;
      *) files+=("$1") ;;
    esac
    shift
  done

  if [[ -n $port ]]; then
    run_port "$port"
    return
  fi

  local memory_mib
  memory_mib=$(parse_memory "$memory")
  check_range --slots "$slots" $min_slots $max_slots "the window has $min_slots to $max_slots slots"
  check_range --cpus "$cpus" 1 $max_cpus "the machine has 1 to $max_cpus CPUs"
  check_files "$memory_mib" "${files[@]}"

  need_qemu
  need_build_tools
  need_32_bit
  install_needs
  if ((${#files[@]} == 0)); then
    files=("$(default_file)")
    tell file "${files[0]}: no FILE was given, and every such machine has this one"
  fi
  build kernel
  tell kernel "build/kernel/kmapper-kernel, made by $("$(compiler)" --version | head -n 1)"
  boot_and_judge
}

# "6G" -> 6144
parse_memory() {
  local mib
  [[ $1 =~ ^([0-9]{1,9})([MmGg])$ ]] || misused "--memory $1: not a size; write it like 512M or 6G"
  mib=$((10#${BASH_REMATCH[1]}))
  [[ ${BASH_REMATCH[2]} == [Mm] ]] || ((mib *= 1024))
  ((mib >= min_memory_mib && mib <= max_memory_mib)) ||
    misused "--memory $1: out of range, the machine has 64M to 64G"
  printf '%d' "$mib"
}

# check_range OPTION VALUE LEAST MOST LIMITS: LIMITS says what has how many.
check_range() {
  [[ $2 =~ ^[0-9]{1,9}$ ]] || misused "$1 $2: not a number"
  ((10#$2 >= $3 && 10#$2 <= $4)) || misused "$1 $2: out of range, $5"
}

# check_files MEMORY_MIB FILE...: whether each can be a boot module, and all of them fit.
check_files() {
  local memory_mib=$1 file name bytes total=0 room_mib high_mib
  shift
  check_file_count $#
  room_mib=$(((memory_mib < below_hole_mib ? memory_mib : below_hole_mib) - kernel_room_mib))
  # High memory, less the page descriptors that lie there. A machine without any keeps files in low memory.
  high_mib=$((memory_mib - low_memory_mib - memory_mib / 512 - 4))
  for file; do
    check_file "$file"
    name=$(printable "$file")
    bytes=$(stat -L -c %s -- "$file")
    ((bytes <= max_module_bytes)) ||
      misused "$name: has $(human_size "$bytes"), and QEMU loads a file of less than 2 GiB"
    total=$((total + (bytes + 4095 & -4096)))
    ((total <= room_mib << 20)) ||
      misused "$name: too large; the files have $(human_size $total)," \
        "and with --memory $memory the loader has room for $room_mib MiB"
    ((memory_mib <= low_memory_mib || total <= high_mib << 20)) ||
      misused "$name: too large; the files have $(human_size $total)," \
        "and with --memory $memory high memory has room for $((high_mib > 0 ? high_mib : 0)) MiB"
  done
}

# Boots the machine that command_run was asked for (its variables), shows what it says, judges how it ended.
boot_and_judge() {
  local free_mib sample=1 accelerator=tcg why="" words
  work=$(mktemp -d)
  trap clean_up EXIT
  trap 'printf "\n"; exit 130' INT
  trap 'exit 143' TERM

  if kvm_works; then accelerator=kvm; else why=" (KVM does not work here)"; fi
  free_mib=$(free_memory_mib)
  if ((memory_mib * 2 > free_mib)); then sample=$(((memory_mib * 4 + free_mib - 1) / free_mib)); fi
  words="slots=$((10#$slots))"
  ((sample == 1)) || words+=" sample=$sample"
  tell machine "$memory of memory, $((10#$cpus)) CPUs, $((10#$slots)) slots; QEMU with ${accelerator^^}$why"

  if ((shell)); then
    words="job=shell $words"
    compose_machine
    run_shell
  else
    words="job=run $words"
    compose_machine
    run_machine
  fi
}

# What this run adds to it. A module's name reaches the kernel as its number: QEMU splits -initrd at commas and
# blanks, so links with plain names stand for the files.
compose_machine() {
  local index file initrd=""
  for index in "${!files[@]}"; do
    file=${files[index]}
    [[ $file == /* ]] || file=$PWD/$file
    ln -s "$file" "$work/$index"
    initrd+=${initrd:+,}"$index $index"
  done
  base_machine "$memory_mib" "$accelerator"
  machine+=(-smp "$((10#$cpus))" -append "$words" -initrd "$initrd")
  if ((gdb)); then
    machine+=(-s -S)
    tell gdb "waiting; attach with: gdb $root/build/kernel/kmapper-kernel -ex 'target remote :1234'"
  fi
}

run_machine() {
  local line status=0 verdict="" equal=()
  mkfifo "$work/serial"
  (cd "$work" && exec "${machine[@]}") </dev/null >"$work/serial" 2>"$work/qemu" &
  qemu=$!
  while IFS= read -r line; do
    line=${line%$'\r'}
    if ((verbose)); then say "$line"; fi
    [[ $verdict == FAIL* ]] || verdict="" # a PASS counts as the last line only
    case $line in
      "sha256 "*) compare_hash "$line" ;;
      "file "*) show_file "$line" ;;
      PASS | FAIL*) verdict=$line ;;
      *) ((verbose)) || show "$line" ;;
    esac
  done <"$work/serial"
  wait "$qemu" || status=$?
  qemu=""
  show_progress ""
  judge
}

# The machine's serial line is the terminal. Where the input is a file, its end means quit; a UART that is being
# set up may lose its first character, so there the first line is empty.
run_shell() {
  local status=0
  if [[ -t 0 ]]; then
    (cd "$work" && exec "${machine[@]}") || status=$?
  else
    { printf '\n'; cat; printf '\nquit\n'; } | (cd "$work" && exec "${machine[@]}") || status=$?
  fi
  ((status == 1)) || failed "the machine ended before its shell did (QEMU's exit code is $status)"
}

# show LINE: on a terminal a line of progress gives way to the next line; elsewhere it is left out.
progress_width=0
show() {
  if [[ $1 =~ ^\ \ [a-z]+\ [0-9]+\ of\ [0-9]+\ MiB$ ]]; then
    show_progress "$1"
  else
    show_progress ""
    say "$1"
  fi
}

show_progress() {
  [[ -t 1 ]] || return 0
  ((progress_width == 0)) || printf '\r%*s\r' "$progress_width" ""
  printf '%s' "$1"
  progress_width=${#1}
}

# show_file "file INDEX NAME: ...": with the name that it has here.
show_file() {
  if ((verbose)); then return; fi
  if [[ $1 =~ ^file\ ([0-9]{1,5})\ [^:]*(:.*)$ ]] && ((BASH_REMATCH[1] < ${#files[@]})); then
    show "file $(printable "${files[BASH_REMATCH[1]]}")${BASH_REMATCH[2]}"
  else
    show "$1"
  fi
}

# compare_hash "sha256 HASH  INDEX ...": the guest's hash beside the host's.
compare_hash() {
  local index here there
  [[ $1 =~ ^sha256\ ([0-9a-f]{64})\ \ ([0-9]{1,5})( |$) ]] || return 0
  there=${BASH_REMATCH[1]} index=$((10#${BASH_REMATCH[2]}))
  ((index < ${#files[@]})) || return 0
  read -r here _ < <(sha256sum <"${files[index]}")
  show_progress ""
  say "sha256 $there  $(printable "${files[index]}")"
  if [[ $here == "$there" ]]; then
    equal[index]=1
    say "  the host's sha256sum says the same"
  else
    say "  DIFFERS: the host's sha256sum says $here"
  fi
}

# Passed only if the guest says so in its last line, leaves with success, and every hash is the host's.
judge() {
  local why=""
  if [[ $verdict == FAIL* ]]; then
    why=${verdict#FAIL}
  elif [[ $verdict != PASS || $status != 1 ]]; then
    why=": the machine ended before its job did (QEMU's exit code is $status)"
  elif ((${#equal[@]} != ${#files[@]})); then
    why=": ${#equal[@]} of ${#files[@]} hashes are the host's"
  fi
  [[ ! -s $work/qemu ]] || sed 's/^/QEMU: /' "$work/qemu" >&2
  if [[ -n $why ]]; then say "FAIL$why"; else say "PASS"; fi
  [[ -z $why ]]
}
