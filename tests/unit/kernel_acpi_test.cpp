// How the kernel reads the firmware's ACPI tables, valid and invalid.
#include "kernel/firmware/acpi.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "kernel/firmware/madt.hpp"
#include "kernel/firmware/timers.hpp"
#include "physical_memory.hpp"

namespace kmapper::kernel {
namespace {

using acpi::Signature;
using Bytes = std::vector<unsigned char>;

constexpr std::uint64_t kExtendedBios = 0x9FC00;
constexpr Signature kRsdt{'R', 'S', 'D', 'T'};
constexpr Signature kXsdt{'X', 'S', 'D', 'T'};

template <class T>
void append(Bytes& bytes, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i)
    bytes.push_back(static_cast<unsigned char>(std::uint64_t{value} >> (8 * i)));
}

// Makes the bytes add up to 0, by the byte at `where`.
void set_checksum(Bytes& bytes, std::size_t size, std::size_t where) {
  bytes[where] = 0;
  bytes[where] = static_cast<unsigned char>(
      -std::accumulate(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size), 0));
}

Bytes table_of(Signature signature, const Bytes& content) {
  Bytes bytes(signature.begin(), signature.end());
  append(bytes, static_cast<std::uint32_t>(sizeof(acpi::Header) + content.size()));
  bytes.resize(sizeof(acpi::Header));
  bytes.insert(bytes.end(), content.begin(), content.end());
  set_checksum(bytes, bytes.size(), 9);
  return bytes;
}

Bytes local_apic(unsigned id, std::uint32_t flags = 1) {
  Bytes bytes{0, 8, 0, static_cast<unsigned char>(id)};
  append(bytes, flags);
  return bytes;
}
Bytes local_x2apic(std::uint32_t id, std::uint32_t flags = 1) {
  Bytes bytes{9, 16, 0, 0};
  append(bytes, id);
  append(bytes, flags);
  append(bytes, std::uint32_t{0});
  return bytes;
}

Bytes madt_of(const std::vector<Bytes>& entries) {
  Bytes content(8);
  for (const Bytes& entry : entries) content.insert(content.end(), entry.begin(), entry.end());
  return table_of(acpi::kControllers, content);
}
Bytes madt_of_ids(const std::vector<unsigned>& ids) {
  std::vector<Bytes> entries;
  entries.reserve(ids.size());
  for (const unsigned id : ids) entries.push_back(local_apic(id));
  return madt_of(entries);
}

// A machine with correct firmware, unless a test changes it.
class Firmware {
 public:
  Firmware() { memory_.put(0x40E, static_cast<std::uint16_t>(kExtendedBios >> 4)); }

  std::uint64_t add(const Bytes& table) {
    const std::uint64_t address = next_;
    memory_.put_all(address, table);
    next_ += (table.size() + 15) & ~std::size_t{15};
    return address;
  }
  template <class Address>
  std::uint64_t add_root(Signature signature, const std::vector<std::uint64_t>& tables) {
    Bytes content;
    for (const std::uint64_t table : tables) append(content, static_cast<Address>(table));
    return add(table_of(signature, content));
  }
  std::uint64_t rsdt(const std::vector<std::uint64_t>& tables) {
    return add_root<std::uint32_t>(kRsdt, tables);
  }
  std::uint64_t xsdt(const std::vector<std::uint64_t>& tables) {
    return add_root<std::uint64_t>(kXsdt, tables);
  }
  void point(std::uint64_t rsdt, std::uint64_t xsdt, std::uint64_t at = kExtendedBios,
             unsigned char spoil = 0) {
    Bytes bytes{'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ', 0, 0, 0, 0, 0, 0, 0, 2};
    append(bytes, static_cast<std::uint32_t>(rsdt));
    append(bytes, std::uint32_t{36});
    append(bytes, xsdt);
    append(bytes, std::uint32_t{0});
    set_checksum(bytes, 20, 8);
    set_checksum(bytes, 36, 32);
    bytes[9] = static_cast<unsigned char>(bytes[9] + spoil);
    memory_.put_all(at, bytes);
  }
  void spoil(std::uint64_t address) { memory_.put(address, std::uint8_t{0xA5}); }

 private:
  PhysicalMemory memory_;
  std::uint64_t next_ = 0x7FE0010;
};

std::string text(const CpuList& cpus) {
  std::string all;
  for (const ApicId id : cpus.ids())
    all += (all.empty() ? "" : " ") + std::to_string(to_number(id));
  return all;
}

CpuList find_cpus(unsigned self = 0) {
  acpi::Tables tables(PhysicalMemory::read);
  CpuList cpus(ApicId{static_cast<std::uint8_t>(self)});
  for (const acpi::Table table : tables.find(acpi::kControllers))
    cpus.add_all(PhysicalMemory::read, table);
  return cpus;
}

// The names of the broken tables.
std::string broken() {
  acpi::Tables tables(PhysicalMemory::read);
  (void)tables.find(acpi::kControllers);
  std::string all;
  for (const acpi::Broken::One& one : tables.broken().all())
    all += (all.empty() ? "" : " ") + std::string(one.name());
  return all;
}

CpuList cpus_of(const Bytes& madt, unsigned self = 0) {
  Firmware firmware;
  firmware.point(firmware.rsdt({firmware.add(madt)}), 0);
  return find_cpus(self);
}

TEST(Acpi, FindsTheCpusByEitherRootTable) {
  const Bytes madt = madt_of_ids({0, 1, 2});
  {
    Firmware firmware;
    firmware.point(firmware.rsdt({firmware.add(madt)}), 0);
    EXPECT_EQ(text(find_cpus()), "1 2");
  }
  {
    Firmware firmware;
    firmware.point(0, firmware.xsdt({firmware.add(madt)}));
    EXPECT_EQ(text(find_cpus()), "1 2");
  }
}

TEST(Acpi, FindsTheCpusByOneRootTableWhereTheOtherIsEmpty) {
  const Bytes madt = madt_of_ids({0, 1, 2});
  {
    Firmware firmware;
    firmware.point(firmware.rsdt({}), firmware.xsdt({firmware.add(madt)}));
    EXPECT_EQ(text(find_cpus()), "1 2");
  }
  {
    Firmware firmware;
    firmware.point(firmware.rsdt({firmware.add(madt)}), firmware.xsdt({0}));
    EXPECT_EQ(text(find_cpus()), "1 2");
  }
}

TEST(Acpi, FindsTheRootPointerInRomToo) {
  Firmware firmware;
  firmware.point(firmware.rsdt({firmware.add(madt_of_ids({0, 5}))}), 0, 0xFFFF0 - 32);
  EXPECT_EQ(text(find_cpus()), "5");
}

TEST(Acpi, GoesOnBehindARootPointerThatIsBroken) {
  Firmware firmware;
  const std::uint64_t rsdt = firmware.rsdt({firmware.add(madt_of_ids({0, 5}))});
  firmware.point(1, 2, kExtendedBios, 1);
  firmware.point(rsdt, 0, 0xF0000);
  EXPECT_EQ(text(find_cpus()), "5");
  EXPECT_EQ(broken(), "RSDP");
}

TEST(Acpi, UsesTheRsdtWhereTheXsdtIsBroken) {
  Firmware firmware;
  const std::uint64_t madt = firmware.add(madt_of_ids({0, 5}));
  const std::uint64_t xsdt = firmware.xsdt({madt});
  firmware.point(firmware.rsdt({madt}), xsdt);
  firmware.spoil(xsdt + 20);
  EXPECT_EQ(text(find_cpus()), "5");
  EXPECT_EQ(broken(), "XSDT");
}

TEST(Acpi, NamesATableWhoseChecksumIsWrong) {
  Firmware firmware;
  const std::uint64_t madt = firmware.add(madt_of_ids({0, 1}));
  firmware.point(firmware.rsdt({madt}), firmware.xsdt({madt}));
  EXPECT_EQ(broken(), "");
  firmware.spoil(madt + 20);
  EXPECT_EQ(text(find_cpus()), "");
  EXPECT_EQ(broken(), "APIC");
}

TEST(Acpi, NamesATableWhoseLengthIsNotToBeBelieved) {
  for (const std::uint32_t length : {0U, 35U, 0xFFFFFFFFU}) {
    Bytes madt = madt_of_ids({0, 1});
    for (int i = 0; i < 4; ++i) madt[4 + i] = static_cast<unsigned char>(length >> (8 * i));
    Firmware firmware;
    firmware.point(firmware.rsdt({firmware.add(madt)}), 0);
    EXPECT_EQ(text(find_cpus()), "") << length;
    EXPECT_EQ(broken(), "APIC") << length;
  }
}

TEST(Acpi, FindsNothingWhereThereIsNothing) {
  const PhysicalMemory empty;
  EXPECT_EQ(text(find_cpus()), "");
  EXPECT_EQ(broken(), "");
}

TEST(Acpi, ReadsSeveralListsOfCpus) {
  Firmware firmware;
  const std::uint64_t one = firmware.add(madt_of_ids({0, 2}));
  const std::uint64_t other = firmware.add(madt_of_ids({0, 1, 2}));
  firmware.point(0, firmware.xsdt({one, other, one}));
  EXPECT_EQ(text(find_cpus()), "2 1");
}

TEST(CpuList, LeavesOutTheIdThatMeansAll) {
  const CpuList cpus = cpus_of(madt_of_ids({0, 255, 1}));
  EXPECT_EQ(text(cpus), "1");
  EXPECT_EQ(cpus.unnamed(), 1U);
}

TEST(CpuList, HasEachCpuOnce) {
  const CpuList cpus = cpus_of(madt_of_ids({0, 1, 2, 1, 0, 0}));
  EXPECT_EQ(text(cpus), "1 2");
  EXPECT_EQ(cpus.repeated(), 3U);
}

TEST(CpuList, NeverHasTheCpuThatRuns) {
  for (const std::vector<unsigned>& ids :
       std::vector<std::vector<unsigned>>{{3, 1, 2}, {1, 2, 3}, {1, 3, 2, 3}, {1, 2}}) {
    EXPECT_EQ(text(cpus_of(madt_of_ids(ids), 3)), "1 2");
  }
}

TEST(CpuList, ReadsEntriesForX2ApicsWhoseIdsAreShort) {
  const CpuList cpus =
      cpus_of(madt_of({local_x2apic(0), local_apic(1), local_x2apic(2), local_x2apic(1),
                       local_x2apic(255), local_x2apic(256), local_x2apic(1U << 24 | 7)}));
  EXPECT_EQ(text(cpus), "1 2");
  EXPECT_EQ(cpus.repeated(), 1U);
  EXPECT_EQ(cpus.unnamed(), 1U);
  EXPECT_EQ(cpus.unreachable(), 2U);
}

TEST(CpuList, LeavesOutWhatIsNotEnabled) {
  const CpuList cpus = cpus_of(madt_of(
      {local_apic(0), local_apic(1, 0), local_apic(2, 2), local_apic(3, 3), local_x2apic(4, 0)}));
  EXPECT_EQ(text(cpus), "3");
  EXPECT_EQ(cpus.unnamed() + cpus.repeated() + cpus.unreachable(), 0U);
}

TEST(CpuList, HasRoomForAllThatCanBeNamed) {
  std::vector<unsigned> ids(255);
  std::iota(ids.begin(), ids.end(), 0U);
  EXPECT_EQ(cpus_of(madt_of_ids(ids)).ids().size(), 254U);
  EXPECT_EQ(cpus_of(madt_of_ids(ids), 255).ids().size(), 255U);
}

TEST(CpuList, EndsWhereAnEntryDoes) {
  for (const unsigned char length : {0, 1, 9, 200}) {
    Bytes bad = local_apic(2);
    bad[1] = length;
    const CpuList cpus = cpus_of(madt_of({local_apic(1), bad}));
    EXPECT_EQ(text(cpus), "1") << int{length};
    EXPECT_EQ(cpus.cut(), 1U) << int{length};
  }
}

TEST(CpuList, PassesOverEntriesOfOtherKinds) {
  const Bytes controller{1, 12, 0, 0, 0, 0, 0xC0, 0xFE, 0, 0, 0, 0};
  const Bytes short_cpu{0, 4, 0, 7};
  EXPECT_EQ(text(cpus_of(madt_of({controller, short_cpu, local_apic(1)}))), "1");
}

// --- Timers ---

Bytes fixed_of(std::uint32_t port, unsigned char size, std::uint32_t flags,
               std::uint64_t extended_port = 0) {
  Bytes table(244);
  for (int i = 0; i < 4; ++i) {
    table[76 + i] = static_cast<unsigned char>(port >> (8 * i));
    table[112 + i] = static_cast<unsigned char>(flags >> (8 * i));
  }
  table[91] = size;
  table[208] = extended_port != 0 ? 1 : 0;
  for (int i = 0; i < 8; ++i) table[212 + i] = static_cast<unsigned char>(extended_port >> (8 * i));
  return table_of(acpi::kFixed, Bytes(table.begin() + sizeof(acpi::Header), table.end()));
}

std::optional<AcpiTimer> acpi_timer_of(const Bytes& fixed) {
  Firmware firmware;
  firmware.point(firmware.rsdt({firmware.add(fixed)}), 0);
  acpi::Tables tables(PhysicalMemory::read);
  return find_acpi_timer(PhysicalMemory::read, tables);
}

TEST(AcpiTimer, LiesWhereTheTableSays) {
  EXPECT_EQ(acpi_timer_of(fixed_of(0x608, 4, 0))->port, 0x608);
  EXPECT_EQ(acpi_timer_of(fixed_of(0x608, 4, 0))->mask, 0xFFFFFFU);
  EXPECT_EQ(acpi_timer_of(fixed_of(0x608, 4, 1U << 8))->mask, 0xFFFFFFFFU);
  EXPECT_EQ(acpi_timer_of(fixed_of(0, 0, 0, 0x1808))->port, 0x1808);
}

TEST(AcpiTimer, IsNoneWhereTheTableHasNone) {
  EXPECT_FALSE(acpi_timer_of(fixed_of(0, 0, 0)));
  EXPECT_FALSE(acpi_timer_of(fixed_of(0x608, 0, 0)));
  EXPECT_FALSE(acpi_timer_of(fixed_of(0x10608, 4, 0)));
  EXPECT_FALSE(acpi_timer_of(fixed_of(0, 0, 0, 0x10608)));
  EXPECT_FALSE(acpi_timer_of(table_of(acpi::kFixed, {})));
}

TEST(Hpet, LiesWhereTheTableSays) {
  Bytes content(4);
  append(content, std::uint32_t{0});
  append(content, std::uint64_t{0xFED00000});
  Firmware firmware;
  firmware.point(firmware.rsdt({firmware.add(table_of(acpi::kHpet, content))}), 0);
  acpi::Tables tables(PhysicalMemory::read);
  EXPECT_EQ(find_hpet(PhysicalMemory::read, tables), PhysAddr{0xFED00000});
}

TEST(Hpet, IsNoneWhereItIsNotInMemory) {
  Bytes content(4);
  append(content, std::uint32_t{1});
  append(content, std::uint64_t{0xFED00000});
  Firmware firmware;
  firmware.point(firmware.rsdt({firmware.add(table_of(acpi::kHpet, content))}), 0);
  acpi::Tables tables(PhysicalMemory::read);
  EXPECT_FALSE(find_hpet(PhysicalMemory::read, tables));
}

}  // namespace
}  // namespace kmapper::kernel
