#include "acpi.hpp"

#include "arch/paging.hpp"
#include "kernel/lib/print.hpp"
#include "local_apic.hpp"

namespace kmapper::kernel {
namespace {

void report_left_out(const CpuList& cpus) {
  if (cpus.unnamed() != 0) {
    print("{} CPUs of the firmware's list have the local APIC id {}, which means all: left out\n",
          cpus.unnamed(), to_number(kAllApics));
  }
  if (cpus.unreachable() != 0) {
    print("{} CPUs of the firmware's list have local APIC ids above {}: left out\n",
          cpus.unreachable(), to_number(kAllApics) - 1);
  }
  if (cpus.repeated() != 0) {
    print("{} CPUs of the firmware's list are in it twice: used once\n", cpus.repeated());
  }
  if (cpus.cut() != 0) {
    print("{} of the firmware's lists of CPUs end within an entry: the rest is left out\n",
          cpus.cut());
  }
}

void report_tables(const acpi::Broken& broken, std::size_t lists) {
  for (const acpi::Broken::One& table : broken.all()) {
    print("the ACPI table {} at {} has a wrong length or checksum: left out\n", table.name(),
          table.address);
  }
  if (lists > 1) print("the firmware left {} ACPI tables of the CPUs: all are read\n", lists);
  if (lists != 0) return;
  if (broken.all().empty()) {
    print("the firmware left no ACPI table of the CPUs: one CPU is used\n");
  } else {
    print("no whole ACPI table of the CPUs is left: one CPU is used\n");
  }
}

}  // namespace

CpuList find_other_cpus() {
  acpi::Tables tables(read_physical);
  const acpi::Found lists = tables.find(acpi::kControllers);
  report_tables(tables.broken(), lists.size());
  CpuList cpus(local_apic_id());
  for (const acpi::Table list : lists) cpus.add_all(read_physical, list);
  report_left_out(cpus);
  return cpus;
}

}  // namespace kmapper::kernel
