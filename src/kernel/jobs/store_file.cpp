// Copies a file into high memory page by page, through the window on both sides if the loader put
// the file beyond the direct map. Each of the loader's pages goes back as soon as it is copied, so
// a file may be as large as memory. A process hashes the file there.
#include <algorithm>

#include "kernel/jobs/main_steps.hpp"
#include "kernel/jobs/progress.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/user/process.hpp"

namespace kmapper::kernel {
namespace {

Outcome copy_to_high_memory(const BootModule& module, BlockList& copy) {
  Progress progress("copied", module.range.size());
  for (Pfn from = to_pfn(module.range.begin); to_phys(from) < module.range.end; from = from + 1) {
    Page* const to = alloc_pages(GFP_HIGHMEM, 0);
    if (to == nullptr || !copy.add(to, 0)) {
      report_out_of_memory(GFP_HIGHMEM, 0);
      return failed("out of memory for a file");
    }
    copy_highpage(to, pfn_to_page(from));
    release_reserved({from, from + 1});
    progress.at(to_phys(from) - module.range.begin);
  }
  print("  copied at {} MiB/s, the loader's copy given back\n", progress.speed());
  return passed();
}

}  // namespace

Outcome store_file(const BootModule& module, FileStore& files) {
  const auto index = static_cast<std::uint32_t>(files.all().size());
  const std::uint64_t size = module.range.size();
  print("file {} {}: {} bytes at {}\n", index, module.name, size, module.range.begin);
  File* const file = files.add(module.name, size);
  if (file == nullptr) return failed("no memory for one more file");
  return copy_to_high_memory(module, file->pages);
}

Outcome hash_file(std::uint32_t index) {
  const Progress progress("hashed", find_file(index)->size);
  char arguments[16];
  const auto process = process_start(*find_program("sha256"), format_to(arguments, "{}", index));
  if (!process) return failed(describe(process.error()));
  const ProcessEnd end = process_wait(**process);
  if (end.how != ProcessEnd::How::exited || end.code != 0)
    return failed("the process that hashes a file did not finish");
  print("  hashed at {} MiB/s, in ring 3, from pages mapped into the process\n", progress.speed());
  return passed();
}

}  // namespace kmapper::kernel
