// A buffer pool in the manner of vmcache (Leis, Alhomssi, Ziegler, Loeck, Dietrich: "Virtual-Memory
// Assisted Buffer Management", SIGMOD 2023), written from the paper.
//
// Anonymous memory is reserved for the whole file. Each granule of it has an address of its own,
// and a word of 64 bits with its state and a version. A miss reads the granule into its own
// address. CLOCK goes round over what is resident: it marks a granule that is not marked, and takes
// one that still is, to give its memory back. A read looks at the version before and after, and
// writes nothing but the word of a granule that was marked.
//
// It is as good as such a pool gets: there is no lock but the words; granules are taken in batches,
// whose memory one system call gives back where the kernel can (process_madvise, Linux 6.13); a
// thread keeps the places in the clock that its batch has freed for its next misses.
#pragma once

#include <sched.h>
#include <sys/mman.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "bench/process/buffers.hpp"
#include "bench/process/mappings.hpp"
#include "bench/process/page_word.hpp"

namespace kmapper::bench {

class VmcachePool {
 public:
  explicit VmcachePool(const Setting& setting);

  class Seat {
   public:
    explicit Seat(VmcachePool& shared) : shared_(shared) { shared.seats_.push_back(this); }

    template <class Use>
    auto read(std::int64_t offset, std::size_t, Use use) {
      const auto page = static_cast<std::size_t>(offset / shared_.setting_.granule);
      PageWord& word = shared_.words_[page];
      for (;;) {
        const std::uint64_t seen = word.load();
        switch (PageWord::state_of(seen)) {
          case PageWord::unlocked: {
            const auto result = use(static_cast<const std::byte*>(shared_.memory_) + offset);
            if (word.is_still(seen)) return result;
            break;
          }
          case PageWord::marked:
            (void)word.change(seen, PageWord::unlocked);
            break;
          case PageWord::evicted: {
            if (!word.change(seen, PageWord::locked)) break;
            load(page);
            const auto result = use(shared_.memory_ + offset);
            word.unlock(PageWord::unlocked);
            return result;
          }
          case PageWord::locked:
            sched_yield();
            break;
        }
      }
    }

    template <class Use>
    void write(std::int64_t offset, std::size_t length, Use use) {
      const auto page = static_cast<std::size_t>(offset / shared_.setting_.granule);
      lock(page, true);
      use(shared_.memory_ + offset);
      shared_.written_[page].add(static_cast<std::size_t>(offset % shared_.setting_.granule),
                                 length);
      shared_.words_[page].unlock(PageWord::unlocked);
      // Also where another thread's list has it: that thread may be here, and not have added it.
      const std::lock_guard guard(mutex_);
      list_.push_back(page);
    }
    void sync();
    [[nodiscard]] std::int64_t scan_step() const { return shared_.setting_.granule; }

   private:
    /// Locks a granule. If it is not resident, loads it, or does nothing and returns false.
    bool lock(std::size_t page, bool loads);

    /// With the granule locked.
    void load(std::size_t page);

    // With the mutex held to the end: another thread's sync may not overtake it.
    void write_back_all();

    VmcachePool& shared_;
    std::vector<std::size_t> places_;  // free ones in the clock
    std::mutex mutex_;                 // guards list_
    std::vector<std::size_t> list_;    // granules that this thread has written
  };

 private:
  static constexpr std::size_t kMostInABatch = 64;

  /// An element for each granule; zeros.
  template <class T>
  [[nodiscard]] T* reserve_array() const {
    const auto granules = static_cast<std::size_t>(setting_.size / setting_.granule);
    return reinterpret_cast<T*>(must_reserve(granules * sizeof(T), MADV_NOHUGEPAGE));
  }

  [[nodiscard]] std::byte* data_of(std::size_t page) const { return memory_ + page * granule_; }

  void write_back(std::size_t page) {
    written_[page].write_back(setting_.descriptor, data_of(page),
                              static_cast<std::int64_t>(page) * setting_.granule);
  }

  /// Gives the caller places in the clock: new ones, or those of a batch that it evicts.
  void free_places(std::vector<std::size_t>& places);
  void evict(std::vector<std::size_t>& places);
  /// Marks the granule of a place. If it was marked, locks it, and frees the place.
  bool take(std::size_t place, std::uint64_t tenant);

  const Setting setting_;
  const std::size_t granule_;
  const std::size_t most_;   // resident granules
  const std::size_t batch_;  // those that are evicted at once
  std::byte* const memory_;
  PageWord* const words_;
  Written* const written_;                                        // guarded by the granules' locks
  const std::unique_ptr<std::atomic<std::uint64_t>[]> resident_;  // granules + 1; 0: free
  const Drop drop_;
  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> hand_{0};
  std::vector<Seat*> seats_;
};

}  // namespace kmapper::bench
