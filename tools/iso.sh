# usage: ./dev iso [OPTION...] [--] [FILE...]
#
# Makes an image that boots the 32-bit kernel on a PC with a BIOS (or with UEFI firmware that plays one: "CSM", "legacy
# boot"), from a CD or a USB stick, by GRUB. Its menu has two entries: the main job with each FILE, as ./dev run does it
# (without a FILE, with one that every such machine has), and the kernel's tests of itself. What the kernel has to say it
# shows on the screen, and writes to the first serial line, at 115,200 baud.
#
#   --output FILE     the image (default: build/kmapper.iso)
#   --timeout SECONDS how long the menu waits for a key, before the main job begins, 0 to 3600 (default: 5)
#   --                what follows are FILEs, even where they begin with a dash

# shellcheck shell=bash disable=SC2154  # root is dev's, grub is needs.sh's, below_hole_mib is machine.sh's

# shellcheck source=tools/machine.sh
source "$root/tools/machine.sh"

command_iso() {
  local output=$root/build/kmapper.iso timeout=5 files=() file total=0
  while (($#)); do
    [[ $1 != --?*=* ]] || set -- "${1%%=*}" "${1#*=}" "${@:2}"
    case $1 in
      --output) output=$(value "$@"); shift ;;
      --timeout) timeout=$(number 0 3600 "$@"); shift ;;
      --help | -h) usage_of iso; return ;;
      --) files+=("${@:2}"); break ;;
      -*) misused "iso has no option $1 (a file of that name goes behind --)" ;;
      *) files+=("$1") ;;
    esac
    shift
  done
  [[ ! -d $output ]] || misused "--output $output: is a directory"
  [[ -d $(dirname -- "$output") || $output == "$root/build/"* ]] || misused "--output $output: there is no such directory"
  check_file_count ${#files[@]}
  for file in "${files[@]}"; do
    check_file "$file"
    total=$((total + $(stat -L -c %s -- "$file")))
    ((total <= below_hole_mib << 20)) ||
      misused "$(printable "$file"): too large; the files have $(human_size $total)," \
        "and a PC has $below_hole_mib MiB where GRUB can put them"
  done

  need_build_tools
  need_32_bit
  need_grub
  install_needs
  ((${#files[@]})) || files=("$(default_file)")
  build kernel
  make_image "$output" "$timeout" "${files[@]}"
}

# make_image OUTPUT TIMEOUT FILE...
make_image() {
  local output=$1 timeout=$2 index=0 file hash log=$root/build/iso.log modules=""
  shift 2
  work=$(mktemp -d)
  trap clean_up EXIT
  mkdir -p "$work/boot/grub"
  cp "$root/build/kernel/kmapper-kernel" "$work/boot/"
  for file; do
    cp -L -- "$file" "$work/boot/$index"
    modules+="  module /boot/$index $index '$(grub_text "$file")'"$'\n'
    ((++index))
  done
  # The menu shows, and takes keys, on the screen and on the serial line, if there is one.
  cat >"$work/boot/grub/grub.cfg" <<END
set timeout=$timeout
set default=0
set gfxpayload=text
if serial --unit=0 --speed=115200; then
  terminal_input --append serial
  terminal_output --append serial
fi
menuentry 'kmapper: keep $# files in high memory (r)' --hotkey=r {
  multiboot /boot/kmapper-kernel job=run
$modules}
menuentry 'kmapper: test itself (t)' --hotkey=t {
  multiboot /boot/kmapper-kernel job=test
}
END
  grub-mkrescue --directory="$grub" --fonts="" --locales="" --themes="" --output="$output" "$work" \
    </dev/null >"$log" 2>&1 || failed "grub-mkrescue cannot make the image: $(tail -n 1 "$log") (all it said: $log)"
  tell image "$output, $(human_size "$(stat -c %s -- "$output")")"
  for file; do
    read -r hash _ < <(sha256sum <"$file")
    say "sha256 $hash  $(printable "$file")"
  done
}

# A file's name as GRUB may have it between quotes.
grub_text() {
  local name=$1
  LC_ALL=C
  printf '%s' "${name//[^A-Za-z0-9 ._\/+-]/?}"
}
