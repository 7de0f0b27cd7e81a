// ACPI specification 6.4: 5.2.5, root pointer; 5.2.7, RSDT; 5.2.8, XSDT; 5.2.9, FADT; 5.2.12, MADT.
// IA-PC HPET specification 1.0a, 3.2.4.
#include "tables.hpp"

#include <cstdint>
#include <string_view>

#include "words.hpp"

namespace kmapper::firmware {
namespace {

constinit std::uint32_t end = kTablesBegin;  // of what has been written

// Least significant byte first, at any address.
template <class T>
void put_at(std::uint32_t address, T value) {
  for (std::uint32_t i = 0; i < sizeof value; ++i) {
    auto* byte = reinterpret_cast<std::uint8_t*>(address + i);  // NOLINT
    asm("" : "+r"(byte));  // no code: compilers take low addresses for null pointers
    *byte = static_cast<std::uint8_t>(std::uint64_t{value} >> (8 * i));
  }
}
template <class T>
void put(T value) {
  put_at(end, value);
  end += sizeof value;
}
void put_text(std::string_view text) {
  for (const char character : text) put(static_cast<std::uint8_t>(character));
}
void put_zeros(std::uint32_t bytes) {
  for (std::uint32_t i = 0; i < bytes; ++i) put(std::uint8_t{0});
}

// Makes the bytes add up to 0, by the byte at `where`.
void set_checksum(std::uint32_t begin, std::uint32_t size, std::uint32_t where) {
  put_at(begin + where, std::uint8_t{0});
  std::uint32_t sum = 0;
  for (std::uint32_t i = 0; i < size; ++i)
    sum += *reinterpret_cast<const volatile std::uint8_t*>(begin + i);  // NOLINT
  put_at(begin + where, static_cast<std::uint8_t>(-sum));
}

constexpr std::uint32_t kLength = 4;  // offsets in a table's header
constexpr std::uint32_t kChecksum = 9;

std::uint32_t begin_table(std::string_view signature) {
  end = (end + 15) & ~15U;
  const std::uint32_t begin = end;
  put_text(signature);
  put_zeros(32);
  return begin;
}

void end_table(std::uint32_t begin, std::string_view signature) {
  put_at(begin + kLength, end - begin);
  set_checksum(begin, end - begin, kChecksum);
  if (word("broken") == signature) put_at(end - 1, std::uint8_t{0xA5});
}

std::uint32_t write_cpus(std::string_view cpus) {
  const std::uint32_t begin = begin_table("APIC");
  put(std::uint32_t{0xFEE00000});
  put(std::uint32_t{1});  // the old interrupt controllers exist, too
  for_each_item(cpus, [](std::string_view cpu) {
    const bool x2apic = cpu.starts_with('x');
    const bool disabled = cpu.starts_with('d');
    if (x2apic || disabled) cpu.remove_prefix(1);
    const std::uint32_t id = hexadecimal(cpu);
    if (x2apic) {
      put(std::uint32_t{0x1009});  // type and length
      put(id);
      put(std::uint32_t{1});
      put(std::uint32_t{0});
    } else {
      put(std::uint16_t{0x0800});
      put(std::uint8_t{0});
      put(static_cast<std::uint8_t>(id));
      put(std::uint32_t{disabled ? 0U : 1U});
    }
  });
  end_table(begin, "APIC");
  return begin;
}

std::uint32_t write_fixed() {
  constexpr std::uint32_t kTimerPort = 0x608;  // where QEMU's and Bochs's BIOSes put a PIIX4's
  const std::uint32_t begin = begin_table("FACP");
  put_zeros(116 - (end - begin));
  put_at(begin + 76, kTimerPort);
  put_at(begin + 91, std::uint8_t{4});
  end_table(begin, "FACP");
  return begin;
}

std::uint32_t write_hpet() {
  const std::uint32_t begin = begin_table("HPET");
  put(std::uint32_t{0});
  put(std::uint32_t{0});  // in memory
  put(std::uint64_t{0xFED00000});
  put_zeros(4);
  end_table(begin, "HPET");
  return begin;
}

struct Tables {
  static constexpr std::uint32_t kMost = 4;
  std::uint32_t all[kMost];
  std::uint32_t count = 0;

  void add(std::uint32_t table) { all[count++] = table; }
};

template <class AddressInTable>
std::uint32_t write_root(std::string_view signature, const Tables& tables) {
  const std::uint32_t begin = begin_table(signature);
  for (std::uint32_t i = 0; i < tables.count; ++i) put(AddressInTable{tables.all[i]});
  end_table(begin, signature);
  return begin;
}

// In the extended BIOS data area, which begins at the same address as the tables.
void write_root_pointer(std::uint32_t rsdt, std::uint32_t xsdt) {
  constexpr std::uint32_t kExtendedBiosSegment = 0x40E;
  constexpr std::uint32_t kFirstSize = 20;
  constexpr std::uint32_t kSize = 36;
  put_at(kExtendedBiosSegment, static_cast<std::uint16_t>(kTablesBegin >> 4));
  end = kTablesBegin;
  put_text("RSD PTR ");
  put_zeros(7);
  put(std::uint8_t{2});
  put(rsdt);
  put(kSize);
  put(std::uint64_t{xsdt});
  put_zeros(4);
  set_checksum(kTablesBegin, kFirstSize, 8);
  set_checksum(kTablesBegin, kSize, 32);
}

}  // namespace

void write_tables() {
  if (word("cpus").empty() && word("timers").empty()) return;
  end = kTablesBegin + 64;
  Tables tables;
  if (!word("cpus").empty()) tables.add(write_cpus(word("cpus")));
  if (!word("more-cpus").empty()) tables.add(write_cpus(word("more-cpus")));
  if (word("timers") != "none") {
    tables.add(write_fixed());
    tables.add(write_hpet());
  }
  const std::string_view roots = word("roots");
  const std::uint32_t rsdt = write_root<std::uint32_t>("RSDT", roots == "xsdt" ? Tables{} : tables);
  const std::uint32_t xsdt = roots == "rsdt" ? 0 : write_root<std::uint64_t>("XSDT", tables);
  write_root_pointer(rsdt, xsdt);
}

}  // namespace kmapper::firmware
