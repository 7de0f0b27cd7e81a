#include "kernel/mm/highmem.hpp"

#include "kernel/lib/string.hpp"
#include "kernel/sched/thread.hpp"
#include "kmapper/core/impl/local_map.hpp"
#include "kmapper/core/impl/mapper.hpp"

template class kmapper::Mapper<kmapper::kernel::KernelPlatform>;
template class kmapper::LocalMapper<kmapper::kernel::KernelPlatform>;

namespace kmapper::kernel {

constinit Mapper<KernelPlatform> highmem{KernelPlatform{}};
constinit LocalMapper<KernelPlatform> local_maps{KernelPlatform{}};

namespace {

// A copy with at least one page that needs no mapping.
[[gnu::noinline]] void copy_with_low(Page* to, Page* from) {
  const LocalMapping source(local_maps, from);
  const LocalMapping destination(local_maps, to);
  memcpy(destination.address(), source.address(), kPageSize);
}

}  // namespace

void copy_highpage(Page* to, Page* from) {
  if (!is_high(to) || !is_high(from)) return copy_with_low(to, from);
  const LocalPair pages(local_maps, from, to);
  memcpy(pages.second(), pages.first(), kPageSize);
}

void clear_highpage(Page* page) {
  const LocalMapping mapping(local_maps, page);
  memset(mapping.address(), 0, kPageSize);
}

void memcpy_from_page(void* to, Page* from, std::size_t offset, std::size_t size) {
  const LocalMapping mapping(local_maps, from);
  copy_bytes(to, mapping.address() + offset, size);
}

void memcpy_to_page(Page* to, std::size_t offset, const void* from, std::size_t size) {
  const LocalMapping mapping(local_maps, to);
  copy_bytes(mapping.address() + offset, from, size);
}

std::uint32_t release_pins_of(const Thread& thread) {
  return highmem.release_pins(
      [number = thread.number()](Stamp holder) { return thread_number(holder) == number; });
}

}  // namespace kmapper::kernel
