#include "kernel/mm/highmem.hpp"

#include "core/mapper_impl.hpp"
#include "kernel/lib/string.hpp"
#include "kernel/sched/thread.hpp"

template class kmapper::Mapper<kmapper::kernel::KernelPlatform>;

namespace kmapper::kernel {

constinit Mapper<KernelPlatform> highmem{KernelPlatform{}};

namespace {

// In small pieces, with one page mapped at a time.
void copy_in_pieces(Page* to, Page* from) {
  unsigned char piece[512];
  for (std::size_t offset = 0; offset < kPageSize; offset += sizeof piece) {
    memcpy_from_page(piece, from, offset, sizeof piece);
    memcpy_to_page(to, offset, piece, sizeof piece);
  }
}

}  // namespace

void copy_highpage(Page* to, Page* from) {
  const void* const source = kmap(from);
  // Who sleeps for a second slot while holding a first may wait for ever: all the others may be
  // doing so too.
  void* const destination = try_kmap(to);
  if (destination == nullptr) {
    kunmap(from);
    return copy_in_pieces(to, from);
  }
  memcpy(destination, source, kPageSize);
  kunmap(to);
  kunmap(from);
}

void clear_highpage(Page* page) {
  memset(kmap(page), 0, kPageSize);
  kunmap(page);
}

void memcpy_from_page(void* to, Page* from, std::size_t offset, std::size_t size) {
  memcpy(to, static_cast<const unsigned char*>(kmap(from)) + offset, size);
  kunmap(from);
}

void memcpy_to_page(Page* to, std::size_t offset, const void* from, std::size_t size) {
  memcpy(static_cast<unsigned char*>(kmap(to)) + offset, from, size);
  kunmap(to);
}

std::uint32_t release_pins_of(const Thread& thread) {
  return highmem.release_pins(
      [number = thread.number()](Stamp holder) { return thread_number(holder) == number; });
}

}  // namespace kmapper::kernel
