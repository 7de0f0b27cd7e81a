#!/usr/bin/env bash
# The kernel on machines that QEMU cannot emulate: local APICs in x2APIC mode, and CPUs whose time-stamp counters differ by
# 20,000,000,000. Bochs has both. Exit code 77: Bochs is not installed (Debian's and Ubuntu's package bochs).
#
# bochs.sh KERNEL FIRMWARE
set -uo pipefail

bios=/usr/share/bochs/BIOS-bochs-latest vga=/usr/share/bochs/VGABIOS-lgpl-latest
if ! command -v bochs >/dev/null || [[ ! -e $bios || ! -e $vga ]]; then
  printf 'skipped: Bochs is not installed\n'
  exit 77
fi
work=$(mktemp -d)
bochs=
trap '[[ -z $bochs ]] || kill "$bochs"; rm -rf "$work"' EXIT
mkdir -p "$work/image/boot/grub"
objcopy --strip-all "$1" "$work/image/boot/kernel"
cp "$2" "$work/image/boot/firmware"
cat >"$work/image/boot/grub/grub.cfg" <<'END_OF_MENU'
set timeout=0
multiboot /boot/firmware apic=x2 tsc=20 sample=64
module /boot/kernel
boot
END_OF_MENU
grub-mkrescue --directory=/usr/lib/grub/i386-pc --fonts="" --locales="" --themes="" --output="$work/cd.iso" \
  "$work/image" </dev/null >"$work/grub" 2>&1 || { cat "$work/grub"; exit 1; }
cat >"$work/machine" <<END_OF_MACHINE
megs: 64
romimage: file=$bios
vgaromimage: file=$vga
cpu: model=corei7_ivy_bridge_3770k, count=2, quantum=32, ips=50000000, reset_on_triple_fault=0
boot: cdrom
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=$work/cd.iso, status=inserted
com1: enabled=1, mode=file, dev=$work/serial
display_library: rfb, options="timeout=0"
log: $work/log
panic: action=fatal
clock: sync=none
speaker: enabled=0
END_OF_MACHINE
echo c >"$work/debugger" # Debian's Bochs has a debugger, which waits for this command
: >"$work/serial"
timeout 600 bochs -q -f "$work/machine" -rc "$work/debugger" </dev/null >"$work/out" 2>&1 &
bochs=$!
while kill -0 "$bochs" 2>/dev/null && ! grep -aqE '^(PASS|FAIL)' "$work/serial"; do sleep 0.2; done
tr -d '\r' <"$work/serial" >"$work/said"
if [[ $(tail -n 1 "$work/said") != PASS ]] || ! grep -q '^  2 run' "$work/said" ||
  ! grep -qE '^the time-stamp counter of CPU 1 is [1-9][0-9]* us behind' "$work/said"; then
  printf 'not ok: the kernel should run two CPUs, see that their counters differ, and PASS\n'
  cat "$work/said"
  tail -n 20 "$work/log"
  exit 1
fi
