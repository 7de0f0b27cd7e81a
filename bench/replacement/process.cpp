// The library itself: a window in this process, over a memory file that is all hole.
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "bench/process/load.hpp"
#include "bench/replacement/policy.hpp"
#include "kmapper/process/process.hpp"
#include "process/api/internals.hpp"
#include "process/window/arena.hpp"
#include "system/descriptor.hpp"

namespace kmapper::bench {
namespace {

using process::FileWindow;

/// A memory file of so many pages.
system::Descriptor sparse_file(std::uint32_t pages) {
  system::Descriptor file(memfd_create("replacement", MFD_CLOEXEC));
  if (ftruncate64(file.number(), pages * static_cast<std::int64_t>(kPage)) == 0) return file;
  std::perror("replacement_bench: a memory file");
  std::exit(1);
}

class Library : public Policy {
 public:
  /// Two granules are kept for spans.
  Library(std::uint32_t slots, std::uint32_t pages)
      : file_(sparse_file(pages)),
        budget_({.bytes = (slots + std::int64_t{2}) * static_cast<std::int64_t>(kPage),
                 .granule = kPage,
                 .placement = process::Placement::copies,
                 .span_bytes = kPage}),
        window_(file_.number(), process::Access::read_only, budget_) {
    window_.advise(process::Advice::random);  // nothing is mapped ahead
  }
  bool use(TracePage page) override {
    if (!window_.map(page * static_cast<std::int64_t>(kPage), 1)) {
      std::fprintf(stderr, "replacement_bench: page %u cannot be mapped\n", page);
      std::exit(1);
    }
    const std::uint64_t before = misses_;
    misses_ = process::Internals::arena_of(budget_)->counters().sum(Event::miss);
    return misses_ == before;
  }

 private:
  const system::Descriptor file_;
  const process::Budget budget_;
  FileWindow window_;
  std::uint64_t misses_ = 0;
};

}  // namespace

Contestant library() { return contestant<Library>("library"); }

}  // namespace kmapper::bench
