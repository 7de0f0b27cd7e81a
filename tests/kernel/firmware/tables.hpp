// ACPI tables that replace the firmware's.
#pragma once

namespace kmapper::firmware {

/// The tables lie from here to the video memory; the memory map must leave this range out.
inline constexpr unsigned kTablesBegin = 0x80000;

/// Does nothing unless the command line says what the tables hold:
///   cpus=0,1,x2,d3   a list of CPUs, by their local APIC ids in hexadecimal; x: in an entry for
///                    x2APICs; d: not enabled
///   more-cpus=...    a second such list
///   roots=xsdt       an RSDT that is empty, beside an XSDT with everything in it; rsdt: only an
///                    RSDT. Else both have everything.
///   broken=APIC      the checksum of this table is wrong
///   timers=none      no table that names the ACPI timer, or HPET
void write_tables();

}  // namespace kmapper::firmware
