// What programs with several threads do: a cache of buffers of one granule each, filled by pread,
// in 16 shards with a mutex each. A shard replaces its buffers by CLOCK.
//
// It is as good as such a cache gets: everything that is said of lru_cache.hpp holds for each
// shard; a hit writes nothing but the mutex and, once for each turn of the clock's hand, a flag; a
// granule is found in a flat table of 16 bytes for each entry, which is at most half full.
#pragma once

#include <array>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "bench/process/buffers.hpp"
#include "bench/process/granule_table.hpp"
#include "bench/process/mappings.hpp"

namespace kmapper::bench {

class ShardedCache {
 public:
  explicit ShardedCache(const Setting& setting)
      : setting_(setting),
        memory_(must_reserve(static_cast<std::size_t>(setting.budget), MADV_HUGEPAGE)) {
    const auto buffers = static_cast<std::size_t>(setting.budget / setting.granule) / kShards;
    for (std::size_t i = 0; i < kShards; ++i) {
      std::byte* const own = memory_ + i * buffers * static_cast<std::size_t>(setting.granule);
      shards_[i] = std::make_unique<Shard>(setting, own, buffers);
    }
  }

  class Seat {
   public:
    explicit Seat(ShardedCache& shared) : shared_(shared) {}
    template <class Use>
    auto read(std::int64_t offset, std::size_t, Use use) {
      const std::int64_t granule = offset / shared_.setting_.granule;
      Shard& shard = shared_.shard_of(granule);
      std::unique_lock lock(shard.mutex);
      return use(shard.data_of(shard.get(lock, granule)) + offset % shared_.setting_.granule);
    }
    template <class Use>
    void write(std::int64_t offset, std::size_t length, Use use) {
      const std::int64_t granule = offset / shared_.setting_.granule;
      Shard& shard = shared_.shard_of(granule);
      std::unique_lock lock(shard.mutex);
      const std::uint32_t buffer = shard.get(lock, granule);
      use(shard.data_of(buffer) + offset % shared_.setting_.granule);
      shard.add_written(buffer, static_cast<std::size_t>(offset % shared_.setting_.granule),
                        length);
    }
    void sync() {
      for (const std::unique_ptr<Shard>& it : shared_.shards_) it->write_back_all();
      must_sync(shared_.setting_.descriptor);
    }
    [[nodiscard]] std::int64_t scan_step() const { return shared_.setting_.granule; }

   private:
    ShardedCache& shared_;
  };

 private:
  static constexpr std::size_t kShards = 16;
  static constexpr int kShardShift = 60;

  struct Buffer {
    std::int64_t granule;
    bool is_loading;
    bool is_used;  // since the hand came by
    Written written;
  };

  struct alignas(64) Shard {
    Shard(const Setting& of, std::byte* buffers_begin, std::size_t most_buffers)
        : setting(of), memory(buffers_begin), most(most_buffers), found(most) {
      buffers.reserve(most);
    }

    [[nodiscard]] std::byte* data_of(std::uint32_t buffer) const {
      return memory + buffer * static_cast<std::size_t>(setting.granule);
    }

    [[nodiscard]] std::uint32_t get(std::unique_lock<std::mutex>& lock, std::int64_t granule) {
      for (;;) {
        const std::uint32_t buffer = found.find(granule);
        const bool is_absent = buffer == GranuleTable::kNone;
        if (is_absent && loading < most) return load(lock, granule);
        if (!is_absent && !buffers[buffer].is_loading) {
          if (!buffers[buffer].is_used) buffers[buffer].is_used = true;
          return buffer;
        }
        loaded.wait(lock);
      }
    }

    [[nodiscard]] std::uint32_t load(std::unique_lock<std::mutex>& lock, std::int64_t granule) {
      const std::uint32_t buffer = take_buffer();
      buffers[buffer] = {.granule = granule, .is_loading = true, .is_used = false, .written = {}};
      found.add(granule, buffer);
      ++loading;
      lock.unlock();
      must_read(setting.descriptor, data_of(buffer), static_cast<std::size_t>(setting.granule),
                granule * setting.granule);
      lock.lock();
      --loading;
      buffers[buffer].is_loading = false;
      loaded.notify_all();
      return buffer;
    }

    /// At least one buffer is not being loaded.
    [[nodiscard]] std::uint32_t take_buffer() {
      if (buffers.size() < most) {
        buffers.push_back({});
        return static_cast<std::uint32_t>(buffers.size() - 1);
      }
      for (;;) {
        const std::uint32_t buffer = hand;
        hand = hand + 1 < buffers.size() ? hand + 1 : 0;
        Buffer& it = buffers[buffer];
        if (it.is_loading) continue;
        if (it.is_used) {
          it.is_used = false;
          continue;
        }
        // With the lock held: no other thread may read the file before this is written.
        it.written.write_back(setting.descriptor, data_of(buffer), it.granule * setting.granule);
        found.remove(it.granule);
        return buffer;
      }
    }

    void add_written(std::uint32_t buffer, std::size_t within, std::size_t length) {
      if (buffers[buffer].written.is_empty()) written.push_back(buffer);
      buffers[buffer].written.add(within, length);
    }

    void write_back_all() {
      const std::lock_guard lock(mutex);
      for (const std::uint32_t it : written)
        buffers[it].written.write_back(setting.descriptor, data_of(it),
                                       buffers[it].granule * setting.granule);
      written.clear();
    }

    const Setting setting;
    std::byte* const memory;
    const std::size_t most;
    std::mutex mutex;  // guards what follows
    std::condition_variable loaded;
    GranuleTable found;
    std::vector<Buffer> buffers;
    std::uint32_t hand = 0;
    std::size_t loading = 0;             // buffers
    std::vector<std::uint32_t> written;  // may be in it twice, or be written back already
  };

  [[nodiscard]] Shard& shard_of(std::int64_t granule) const {
    return *shards_[GranuleTable::hash_of(granule) >> kShardShift];
  }

  const Setting setting_;
  std::byte* const memory_;
  std::array<std::unique_ptr<Shard>, kShards> shards_;
};

}  // namespace kmapper::bench
