#!/usr/bin/env bash
# The kernel on a machine whose memory map has holes, as firmware reports them: GRUB cuts them out of the map that it
# hands over. The holes are one page, a range that begins and ends within pages, bad memory of 1 MiB, and 16 MiB of high
# memory. Each remaining page is written and read, and none is missing.
#
# holes.sh KERNEL
set -euo pipefail

here=$(cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/image/boot/grub"
cp "$1" "$work/image/boot/kernel"
printf 'a file' >"$work/file"
cp "$work/file" "$work/image/boot/"
cat >"$work/image/boot/grub/grub.cfg" <<'END'
insmod mmap
cutmem 0x3000000 0x3001000
cutmem 0x10000800 0x10a00c00
badram 0x20000000,0xfff00000
cutmem 0x38000000 0x39000000
multiboot /boot/kernel job=run sample=4
module /boot/file 0
boot
END
grub-mkrescue --directory=/usr/lib/grub/i386-pc --fonts="" --locales="" --themes="" --output="$work/holes.iso" \
  "$work/image" </dev/null >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }

# Of 1 GiB, which has 163,743 pages of low memory and 98,272 of high memory.
low=$((163743 - 1 - 0xa01 - 0x100)) high=$((98272 - 0x1000))
"$here/boot.sh" --module "$work/file" --print "^  low memory .* $low pages" --print "^  high memory .* $high pages" \
  "$work/holes.iso" 1024
