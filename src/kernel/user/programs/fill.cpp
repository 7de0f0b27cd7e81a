// fill [PAGES [TICKS]]: takes all memory, or so many pages; writes a pattern of its own into all of
// it; waits, if it is told to; and checks the pattern. So it finds a page that two processes have,
// and a page with data of its former owner. Exits with 0 only if all was right.
#include <algorithm>

#include "kernel/user/programs/system.hpp"

namespace kmapper::program {
namespace {

constexpr std::uint32_t kWords = kernel::kPageSize / sizeof(std::uint32_t);
constexpr std::uint32_t kStep = 16;        // every so many words: one in each cache line
constexpr std::uint32_t kMostAtOnce = 64;  // pages

// Memory that was mapped at once; the list of pieces lies in the pieces themselves.
struct Piece {
  Piece* next;
  std::uint32_t pages;
};

std::uint32_t pattern(std::uint32_t seed, std::uint32_t address) {
  return (seed ^ address) * 0x9E3779B1U + seed;
}

class Filler {
 public:
  Filler(std::uint32_t seed, std::uint32_t limit) : seed_(seed), limit_(limit) {}

  // Halves its request until not even one page is left.
  void take_all() {
    for (std::uint32_t wanted = kMostAtOnce; wanted > 0 && pages_ < limit_;) {
      wanted = std::min(wanted, limit_ - pages_);
      const std::uint32_t address = call(Syscall::map, wanted);
      if (kernel::error_of(address) != UserError::none) {
        wanted /= 2;
        continue;
      }
      write(address, wanted);
    }
  }

  void verify() {
    for (const Piece* piece = first_; piece != nullptr; piece = piece->next) {
      for_each_word(address_of(piece), piece->pages, [this](std::uint32_t* word) {
        if (*word != pattern(seed_, address_of(word))) complain(word, "is not what was written");
      });
    }
  }

  [[nodiscard]] std::uint32_t pages() const { return pages_; }
  [[nodiscard]] bool is_right() const { return wrong_ == 0; }

 private:
  // Visits all words, except those of the list.
  template <class Visit>
  static void for_each_word(std::uint32_t address, std::uint32_t pages, Visit visit) {
    auto* const words = at<std::uint32_t>(address);
    for (std::uint32_t i = kStep - 1; i < pages * kWords; i += kStep) visit(words + i);
  }

  void write(std::uint32_t address, std::uint32_t pages) {
    for_each_word(address, pages, [this](std::uint32_t* word) {
      if (*word != 0) complain(word, "is new, and not zero");
      *word = pattern(seed_, address_of(word));
    });
    auto* const piece = at<Piece>(address);
    *piece = {first_, pages};
    first_ = piece;
    pages_ += pages;
  }

  void complain(const std::uint32_t* word, std::string_view about) {
    if (wrong_++ == 0) say("fill: {:08x} at {} {}\n", *word, word, about);
  }

  std::uint32_t seed_;
  std::uint32_t limit_;
  std::uint32_t pages_ = 0;
  std::uint32_t wrong_ = 0;
  Piece* first_ = nullptr;
};

}  // namespace

std::uint32_t run(std::string_view arguments) {
  const std::uint32_t limit = next_number(arguments, UINT32_MAX);
  const std::uint32_t ticks = next_number(arguments, 0);
  const std::uint32_t pid = call(Syscall::pid);
  Filler filler(pid * 0x85EBCA6BU, limit);
  filler.take_all();
  call(Syscall::sleep, ticks);
  filler.verify();
  say("fill {}: {} pages of its own, {} MiB, {}\n", pid, filler.pages(), filler.pages() >> 8,
      filler.is_right() ? "written and verified" : "NOT as they were written");
  return filler.is_right() ? 0 : 1;
}

}  // namespace kmapper::program
