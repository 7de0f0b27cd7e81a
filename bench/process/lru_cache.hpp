// What programs do today: a cache of buffers of one granule each, filled by pread; the least
// recently used buffer is replaced first; one mutex.
//
// It is as good as such a cache gets: an access that finds its granule works under the lock, on the
// cache's own copy, and copies nothing; system calls are made without the lock, while other threads
// continue; no memory is allocated once the cache is full; of a written buffer, only the bytes
// between the first and the last written byte go back to the file.
#pragma once

#include <condition_variable>
#include <list>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "bench/process/buffers.hpp"
#include "bench/process/mappings.hpp"

namespace kmapper::bench {

class LruCache {
 public:
  explicit LruCache(const Setting& setting)
      : setting_(setting),
        most_(static_cast<std::size_t>(setting.budget / setting.granule)),
        memory_(must_reserve(static_cast<std::size_t>(setting.budget), MADV_HUGEPAGE)) {
    found_.reserve(most_);
  }

  class Seat {
   public:
    explicit Seat(LruCache& shared) : shared_(shared) {}
    template <class Use>
    auto read(std::int64_t offset, std::size_t, Use use) {
      std::unique_lock lock(shared_.mutex_);
      const Position it = shared_.get(lock, shared_.granule_at(offset));
      return use(it->data + offset % shared_.setting_.granule);
    }
    template <class Use>
    void write(std::int64_t offset, std::size_t length, Use use) {
      std::unique_lock lock(shared_.mutex_);
      const Position it = shared_.get(lock, shared_.granule_at(offset));
      const auto within = static_cast<std::size_t>(offset % shared_.setting_.granule);
      use(it->data + within);
      if (it->written.is_empty()) shared_.written_.push_back(it);
      it->written.add(within, length);
    }
    void sync() { shared_.sync(); }
    [[nodiscard]] std::int64_t scan_step() const { return shared_.setting_.granule; }

   private:
    LruCache& shared_;
  };

 private:
  struct Buffer {
    std::int64_t granule;
    std::byte* data;
    bool is_loading = false;
    Written written = {};
  };
  using Buffers = std::list<Buffer>;  // the last used comes first
  using Position = Buffers::iterator;

  [[nodiscard]] std::int64_t granule_at(std::int64_t offset) const {
    return offset / setting_.granule;
  }

  [[nodiscard]] Position get(std::unique_lock<std::mutex>& lock, std::int64_t granule) {
    for (;;) {
      const auto found = found_.find(granule);
      if (found == found_.end()) return load(lock, granule);
      const Position it = found->second;
      if (!it->is_loading) {
        buffers_.splice(buffers_.begin(), buffers_, it);
        return it;
      }
      loaded_.wait(lock);
    }
  }

  [[nodiscard]] Position load(std::unique_lock<std::mutex>& lock, std::int64_t granule) {
    const Position it = buffers_.size() < most_ ? add(granule) : replace(granule);
    it->is_loading = true;
    lock.unlock();
    must_read(setting_.descriptor, it->data, static_cast<std::size_t>(setting_.granule),
              granule * setting_.granule);
    lock.lock();
    it->is_loading = false;
    loaded_.notify_all();
    return it;
  }

  [[nodiscard]] Position add(std::int64_t granule) {
    std::byte* const data = memory_ + buffers_.size() * static_cast<std::size_t>(setting_.granule);
    buffers_.push_front({granule, data});
    found_.emplace(granule, buffers_.begin());
    return buffers_.begin();
  }

  [[nodiscard]] Position replace(std::int64_t granule) {
    Position it = std::prev(buffers_.end());
    while (it->is_loading) --it;
    write_back(*it);
    auto node = found_.extract(it->granule);
    node.key() = granule;
    found_.insert(std::move(node));
    it->granule = granule;
    buffers_.splice(buffers_.begin(), buffers_, it);
    return it;
  }

  // With the lock held: no other thread may read the file before this is written.
  void write_back(Buffer& buffer) {
    buffer.written.write_back(setting_.descriptor, buffer.data, buffer.granule * setting_.granule);
  }

  void sync() {
    {
      const std::lock_guard lock(mutex_);
      for (const Position it : written_) write_back(*it);
      written_.clear();
    }
    must_sync(setting_.descriptor);
  }

  const Setting setting_;
  const std::size_t most_;
  std::byte* const memory_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable loaded_;
  Buffers buffers_;
  std::unordered_map<std::int64_t, Position> found_;
  std::vector<Position> written_;  // a buffer may be in it twice, or be written back already
};

}  // namespace kmapper::bench
