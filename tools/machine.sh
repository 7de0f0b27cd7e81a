# Machines that boot the kernel, which files they may have, and what a run leaves behind.
# shellcheck shell=bash disable=SC2034,SC2154  # root is dev's, and others use the limits and `machine`

readonly below_hole_mib=3072 # a PC's memory below the PCI hole, where boot modules lie
readonly max_files=64        # what the kernel keeps track of

# base_machine MEMORY_MIB ACCELERATOR: what QEMU is told for every machine of ours, in `machine`. It may have more
# memory than its host: nothing is reserved (reserve=off), and what it touches costs a page, not a huge page
# (share=on). It ends by writing to port 0xf4, and QEMU's exit code is then 1 (PASS) or 3 (FAIL).
base_machine() {
  local cpu=host
  [[ $2 == kvm ]] || cpu="qemu64,+nx,+smep,+smap"
  machine=(
    qemu-system-x86_64 -accel "$2" -cpu "$cpu" -nodefaults -display none -no-reboot -serial stdio
    -object "memory-backend-ram,id=ram,size=${1}M,share=on,reserve=off"
    -machine "pc,memory-backend=ram" -m "${1}M" -device "isa-debug-exit,iobase=0xf4,iosize=0x04"
    -kernel "$root/build/kernel/kmapper-kernel"
  )
}

# KVM is used where it really runs our kernel, not wherever /dev/kvm exists: asked for a job that it does not
# have, the kernel has to boot and say so within two seconds.
kvm_works() {
  local status=0
  [[ -w /dev/kvm ]] || return 1
  base_machine 64 kvm
  {
    ulimit -S -c 0 # where KVM is half there, QEMU aborts, and bash says so
    timeout 2 "${machine[@]}" -append "job=none" || status=$?
  } </dev/null >/dev/null 2>&1
  ((status == 3))
}

check_file_count() { (($1 <= max_files)) || misused "$1 files are too many: the kernel takes $max_files"; }

check_file() {
  local name
  name=$(printable "${1:-''}")
  [[ -e $1 ]] || misused "$name: no such file"
  [[ ! -d $1 ]] || misused "$name: is a directory, not a file"
  [[ -f $1 ]] || misused "$name: is not a regular file"
  [[ -r $1 ]] || misused "$name: you may not read it"
}

# A file of a few MiB that every Debian and Ubuntu machine has.
default_file() {
  local file
  for file in /usr/bin/perl /bin/bash; do
    [[ ! -r $file ]] || break
  done
  printf '%s' "$file"
}

# Whatever ends a run, no QEMU and no file of it stays behind.
clean_up() {
  [[ -z ${qemu:-} ]] || kill "$qemu" 2>/dev/null || true
  [[ -z ${qemu:-} ]] || wait "$qemu" 2>/dev/null || true
  [[ -z ${work:-} ]] || rm -rf -- "$work"
}
