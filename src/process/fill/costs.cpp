#include "process/fill/costs.hpp"

#include <linux/magic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <exception>
#include <memory>
#include <new>
#include <span>

#include "process/fill/home.hpp"
#include "process/fill/map_by_writing.hpp"
#include "system/descriptor.hpp"
#include "system/memory.hpp"
#include "system/own_memory.hpp"
#include "system/page_size.hpp"
#include "system/system_call.hpp"

namespace kmapper::process {
namespace {

using ClockNow = std::chrono::steady_clock;

/// The largest piece that is read, or mapped and touched. Of larger granules, a piece stands for
/// all, because faults may be slow.
constexpr std::size_t kLargestPiece = std::size_t{256} << 10;
/// How many granules are taken back at once at home.
constexpr std::size_t kBatch = 16;
/// The most that is touched in one run.
constexpr std::size_t kMostTouched = std::size_t{1} << 20;
constexpr int kRuns = 5;
/// After this time of the thread, only those runs are made without which something is not known.
constexpr std::chrono::milliseconds kEnough{12};

/// The time that the calling thread has had a CPU.
std::chrono::nanoseconds cpu_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

bool is_in_huge_pages(int descriptor) {
  struct statfs status {};
  // In 32-bit processes, f_type is a signed number.
  return fstatfs(descriptor, &status) == 0 &&
         static_cast<std::uint32_t>(status.f_type) == HUGETLBFS_MAGIC;
}

/// Whether the file on a disk has fewer bytes: small files are opened often, and must cost little.
bool is_shorter(int descriptor, std::size_t bytes) {
  struct stat status {};
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
         status.st_size < static_cast<std::int64_t>(bytes) && !is_memory_file(descriptor);
}

/// Makes a memory file of what is in the buffer. -1: that failed.
system::Descriptor make_memory_file(const system::AddressRange& buffer) {
  system::Descriptor file(memfd_create("kmapper: costs", MFD_CLOEXEC));
  const auto write = [&] { return pwrite64(file.number(), buffer.begin(), buffer.size(), 0); };
  if (system::within_size_limit(write) == static_cast<ssize_t>(buffer.size())) return file;
  return system::Descriptor(-1);
}

/// One measurement.
///
/// All that is measured is in the CPU's caches. Of a large file it would not be. That makes little
/// difference to a comparison: a copy brings into the caches what the user of a mapping
/// would read into them.
class Trial {
 public:
  explicit Trial(const Subject& subject)
      : granule_shift_(subject.granule_shift),
        is_written_(subject.access == Access::read_write),
        own_file_(is_memory_file(subject.descriptor) ? make_memory_file(buffer_)
                                                     : system::Descriptor(-1)),
        file_(is_own() ? own_file_.number() : subject.descriptor) {}

  [[nodiscard]] std::optional<Costs> run() {
    if (places_.size() == 0 || reader_.number() < 0 ||
        system::is_locked(places_.begin(), places_.size()) || !read(Use::whole)) {
      return {};
    }
    const Costs costs{.slots = of_slots(), .copies = of_copies(), .home = of_home()};
    if (has_failed_) return {};
    return costs;
  }

 private:
  /// How much of a granule is used: its first page, or every page.
  enum class Use : std::uint8_t { page, whole };

  /// Whether the file is one that no other program knows, so that no access can fail.
  [[nodiscard]] bool is_own() const { return own_file_.number() >= 0; }
  [[nodiscard]] std::size_t granule() const { return std::size_t{1} << granule_shift_; }
  [[nodiscard]] std::byte* place(std::size_t i) const { return places_.begin() + i * granule(); }
  [[nodiscard]] int protection() const { return is_written_ ? PROT_READ | PROT_WRITE : PROT_READ; }
  [[nodiscard]] std::size_t bytes(Use use) const {
    return use == Use::page ? system::page_size() : piece_;
  }

  [[nodiscard]] bool read(Use use) const {
    return system::uninterrupted([&] { return pread64(file_, buffer_.begin(), bytes(use), 0); }) ==
           static_cast<ssize_t>(bytes(use));
  }
  /// Touches what is mapped. If others may cut the file short, or it has a disk, the kernel does it
  /// for a system call: an access by the program would raise a signal. See again().
  [[nodiscard]] bool touch(std::size_t i, Use use) const {
    for (std::size_t at = 0; at < bytes(use); at += system::page_size()) {
      std::byte* const page = place(i) + at;
      if (is_own()) {
        (void)*static_cast<volatile std::byte*>(page);
      } else if (write(reader_.number(), page, sizeof(std::uint64_t)) < 0 && errno == EFAULT) {
        return false;  // any other error is about the number that was read there
      }
    }
    return true;
  }
  [[nodiscard]] bool map(std::size_t i) const {
    return system::map_over(place(i), piece_, protection(), MAP_SHARED | MAP_NORESERVE, file_, 0) ==
           0;
  }

  /// The time of the fastest of several runs, in nanoseconds. A run that fails makes all fail.
  template <class Run>
  [[nodiscard]] std::int64_t fastest(Run run) {
    std::int64_t best = INT64_MAX;
    for (int i = 0; i < kRuns && !has_failed_; ++i) {
      if (i > 1 && cpu_time() - begin_ > kEnough) break;  // the first may find the caches cold
      const ClockNow::time_point begin = ClockNow::now();
      if (!run()) has_failed_ = true;
      const std::chrono::nanoseconds time = ClockNow::now() - begin;
      best = std::min<std::int64_t>(best, time.count());
    }
    return best;
  }
  /// The time to touch what is mapped already: it is no part of a miss.
  [[nodiscard]] std::int64_t again(Use use) {
    return fastest([&] { return touch(0, use); });
  }
  /// The costs of a granule, given what it costs to use a page, and to use a piece. To use a page
  /// cannot cost more: that was an accident of one measurement.
  [[nodiscard]] MissCost cost(std::int64_t page, std::int64_t piece) const {
    page = std::max<std::int64_t>(std::min(page, piece), 1);
    const auto pieces = static_cast<std::int64_t>(granule() / piece_);
    return {.page = page, .whole = page + std::max<std::int64_t>(piece - page, 0) * pieces};
  }

  [[nodiscard]] std::int64_t of_copies(Use use) {
    return fastest([&] { return read(use); });
  }
  [[nodiscard]] MissCost of_copies() { return cost(of_copies(Use::page), of_copies(Use::whole)); }

  [[nodiscard]] std::int64_t of_slots(Use use) {
    const std::int64_t time = fastest([&] { return map(0) && touch(0, use); });
    return time - again(use);
  }
  [[nodiscard]] MissCost of_slots() { return cost(of_slots(Use::page), of_slots(Use::whole)); }

  /// At home, a granule is mapped by its first access, or by a call before that.
  [[nodiscard]] std::int64_t of_home(Use use, bool by_writing) {
    const std::size_t count = std::min(kBatch, kMostTouched / bytes(use));
    const std::int64_t time = fastest([&] {
      for (std::size_t i = 0; i < count; ++i) {
        if (by_writing && map_by_writing(place(i), piece_) != 0) return false;
        if (!touch(i, use)) return false;
      }
      return drop(count);
    });
    return time / static_cast<std::int64_t>(count) - again(use);
  }
  [[nodiscard]] std::optional<MissCost> of_home() {
    const std::unique_ptr<Home> home = Home::open({.descriptor = file_,
                                                   .protection = protection(),
                                                   .granule_shift = granule_shift_,
                                                   .is_dumped = false});
    if (home == nullptr) return {};
    for (std::size_t i = 0; i < kBatch; ++i) {
      if (!map(i)) has_failed_ = true;
    }
    const bool by_writing = home->is_slow_in_runs();
    return cost(of_home(Use::page, by_writing), of_home(Use::whole, by_writing));
  }
  [[nodiscard]] bool drop(std::size_t count) const {
    std::array<iovec, kBatch> granules;
    for (std::size_t i = 0; i < count; ++i) granules[i] = {place(i), piece_};
    const std::span all = std::span(granules).first(count);
    return own_memory_.drop(all) || std::all_of(all.begin(), all.end(), [](const iovec& it) {
             return madvise(it.iov_base, it.iov_len, MADV_DONTNEED) == 0;
           });
  }

  const std::chrono::nanoseconds begin_ = cpu_time();
  const unsigned granule_shift_;
  const bool is_written_;
  const std::size_t piece_ = std::min(granule(), kLargestPiece);
  const system::AddressRange places_ = system::reserve_at(kBatch * granule(), granule(), 0);
  const system::AddressRange buffer_ = system::allocate_zeros(piece_);
  const system::Descriptor own_file_;
  const int file_;
  const system::Descriptor reader_{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  const system::OwnMemory own_memory_;
  bool has_failed_ = false;
};

/// Files for which the same costs hold.
struct Key {
  dev_t system;  // the file system, or the block device
  unsigned granule_shift;
  Access access;
  bool operator==(const Key&) const = default;
};

std::optional<Key> key_of(const Subject& subject) {
  struct stat status {};
  if (system::uninterrupted([&] { return fstat(subject.descriptor, &status); }) != 0) return {};
  return Key{S_ISBLK(status.st_mode) ? status.st_rdev : status.st_dev, subject.granule_shift,
             subject.access};
}

/// A list that only grows, without a lock, so that a child of a fork finds it whole whatever other
/// threads were doing. A newer entry hides an older one. Entries are few, and never deleted.
struct Entry {
  Key key;
  std::optional<Costs> costs;
  const Entry* older;
};
constinit std::atomic<const Entry*> newest{nullptr};

void remember(const Key& key, const std::optional<Costs>& costs) {
  auto* const entry = new (std::nothrow) Entry{key, costs, newest.load(std::memory_order_relaxed)};
  if (entry == nullptr) return;
  // Release: pairs with costs_of().
  while (!newest.compare_exchange_weak(entry->older, entry, std::memory_order_release,
                                       std::memory_order_relaxed)) {
  }
}

}  // namespace

std::optional<Costs> measure(const Subject& subject) {
  const std::size_t needed = std::min(std::size_t{1} << subject.granule_shift, kLargestPiece);
  if (is_shorter(subject.descriptor, needed)) return {};
  // An access may take a page of the machine's pool.
  if (is_in_huge_pages(subject.descriptor)) return {};
  try {
    return Trial(subject).run();
  } catch (const std::exception&) {
    return {};  // no addresses or memory
  }
}

std::optional<Costs> costs_of(const Subject& subject) {
  const std::optional<Key> key = key_of(subject);
  if (!key) return {};
  // Acquire: pairs with remember().
  for (const Entry* it = newest.load(std::memory_order_acquire); it != nullptr; it = it->older) {
    if (it->key == *key) return it->costs;
  }
  std::optional<Costs> costs = measure(subject);
  if (costs) remember(*key, costs);
  return costs;
}

void set_costs(const Subject& subject, std::optional<Costs> costs) {
  if (const std::optional<Key> key = key_of(subject)) remember(*key, costs);
}

}  // namespace kmapper::process
