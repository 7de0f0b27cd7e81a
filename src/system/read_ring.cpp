#include "system/read_ring.hpp"

#if __has_include(<linux/io_uring.h>)

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

namespace kmapper::system {
namespace {

using Word = std::atomic_ref<std::uint32_t>;

[[nodiscard]] AddressRange map_part(int ring, std::size_t size, off_t part) {
  void* const begin =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, part);
  if (begin == MAP_FAILED) return {};
  return {static_cast<std::byte*>(begin), size};
}

[[nodiscard]] std::uint32_t* word_at(const AddressRange& range, std::uint32_t offset) {
  return reinterpret_cast<std::uint32_t*>(range.begin() + offset);
}

}  // namespace

struct ReadRing::Layout {
  io_uring_params all{};
  int descriptor = static_cast<int>(syscall(SYS_io_uring_setup, kMost, &all));

  [[nodiscard]] std::size_t queues_size() const {
    return std::max(all.sq_off.array + all.sq_entries * sizeof(std::uint32_t),
                    all.cq_off.cqes + all.cq_entries * sizeof(io_uring_cqe));
  }
};

ReadRing::ReadRing() noexcept : ReadRing(Layout()) {}

ReadRing::ReadRing(const Layout& layout) noexcept : descriptor_(layout.descriptor) {
  const io_uring_params& all = layout.all;
  // Before Linux 5.4, the queues are two mappings.
  if (descriptor_.number() < 0 || (all.features & IORING_FEAT_SINGLE_MMAP) == 0) return;
  queues_ = map_part(descriptor_.number(), layout.queues_size(), IORING_OFF_SQ_RING);
  if (queues_.size() == 0) return;
  requested_ = {word_at(queues_, all.sq_off.head), word_at(queues_, all.sq_off.tail),
                *word_at(queues_, all.sq_off.ring_mask)};
  ended_ = {word_at(queues_, all.cq_off.head), word_at(queues_, all.cq_off.tail),
            *word_at(queues_, all.cq_off.ring_mask)};
  results_ = queues_.begin() + all.cq_off.cqes;
  for (std::uint32_t i = 0; i < all.sq_entries; ++i) *(word_at(queues_, all.sq_off.array) + i) = i;
  requests_ =
      map_part(descriptor_.number(), all.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES);
  if (is_there()) was_made_.store(true, std::memory_order_relaxed);
}

void ReadRing::read(std::span<Read> reads) noexcept {
  auto* const requests = reinterpret_cast<io_uring_sqe*>(requests_.begin());
  const std::uint32_t first = *requested_.tail;
  for (std::size_t i = 0; i < reads.size(); ++i) {
    io_uring_sqe& request = requests[(first + i) & requested_.mask];
    request = {};
    request.opcode = IORING_OP_READV;
    request.fd = reads[i].descriptor;
    request.off = static_cast<std::uint64_t>(reads[i].offset);
    request.addr = reinterpret_cast<std::uintptr_t>(reads[i].pieces.data());
    request.len = static_cast<std::uint32_t>(reads[i].pieces.size());
    request.user_data = i;
  }
  auto waiting = static_cast<unsigned>(reads.size());
  // Release: pairs with the kernel, which reads the requests.
  Word(*requested_.tail).store(first + waiting, std::memory_order_release);
  // It must not return while a read is under way: the kernel would write later.
  for (unsigned under_way = 0; waiting + under_way != 0;) {
    const long taken = syscall(SYS_io_uring_enter, descriptor_.number(), waiting,
                               waiting + under_way, IORING_ENTER_GETEVENTS, nullptr, 0);
    if (taken > 0) {
      waiting -= static_cast<unsigned>(taken);
      under_way += static_cast<unsigned>(taken);
    } else if (taken < 0 && errno != EINTR && waiting != 0) {
      // The kernel takes no more of them now.
      for (Read& it : reads.last(waiting)) it.result = -EAGAIN;
      Word(*requested_.tail)
          .store(first + static_cast<std::uint32_t>(reads.size()) - waiting,
                 std::memory_order_release);
      waiting = 0;
    }
    under_way -= take_results(reads);
  }
}

/// Returns how many reads have ended.
unsigned ReadRing::take_results(std::span<Read> reads) noexcept {
  const auto* const results = static_cast<const io_uring_cqe*>(results_);
  const std::uint32_t first = *ended_.head;
  // Acquire: pairs with the kernel, which has written the results, and what was read.
  const std::uint32_t end = Word(*ended_.tail).load(std::memory_order_acquire);
  for (std::uint32_t i = first; i != end; ++i) {
    const io_uring_cqe& result = results[i & ended_.mask];
    reads[result.user_data].result = result.res;
  }
  // Release: from now on the kernel may use their places again.
  Word(*ended_.head).store(end, std::memory_order_release);
  return end - first;
}

}  // namespace kmapper::system

#else  // the headers of a kernel that has none

namespace kmapper::system {

struct ReadRing::Layout {};
ReadRing::ReadRing() noexcept : descriptor_(-1) {}
void ReadRing::read(std::span<Read>) noexcept {}

}  // namespace kmapper::system

#endif
