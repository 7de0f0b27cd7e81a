// A file on its way into high memory: copied page by page, the window's way on both sides where the
// loader put the file beyond the direct map. Each page that the loader used goes back as soon as it
// is copied, so that a file may be as large as memory.
#include <algorithm>

#include "kernel/jobs/main_steps.hpp"
#include "kernel/jobs/progress.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/lib/sha256.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"

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

// Reads the file's bytes, which begin on page `skip` of the list.
Sha256::Digest hash(const BlockList& pages, std::uint32_t skip, Progress& progress,
                    std::uint64_t size) {
  Sha256 sha;
  std::uint64_t done = 0;
  pages.for_each_page([&](Page* page) {
    if (skip > 0) {
      --skip;
      return true;
    }
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(size - done, kPageSize));
    sha.update({static_cast<const std::uint8_t*>(kmap(page)), part});
    kunmap(page);
    done += part;
    progress.at(done);
    return done < size;
  });
  return sha.finish();
}

}  // namespace

Outcome store_file(const BootModule& module, std::uint32_t index, BlockList& copy) {
  const std::uint64_t size = module.range.size();
  print("file {} {}: {} bytes at {}\n", index, module.name, size, module.range.begin);
  const std::uint32_t first_page = copy.pages();
  const Outcome copied = copy_to_high_memory(module, copy);
  if (copied.has_failed()) return copied;

  Progress progress("hashed", size);
  const Sha256::Digest digest = hash(copy, first_page, progress, size);
  print("  hashed at {} MiB/s, page by page through the window\n", progress.speed());
  char hex[2 * sizeof digest];
  for (std::size_t i = 0; i < digest.size(); ++i) {
    (void)format_to(std::span(hex).subspan(2 * i), "{:02x}", digest[i]);
  }
  print("sha256 {}  {} {}\n", std::string_view(hex, sizeof hex), index, module.name);
  return passed();
}

}  // namespace kmapper::kernel
