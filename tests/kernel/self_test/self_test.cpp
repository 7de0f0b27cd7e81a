#include "tests/kernel/self_test/self_test.hpp"

#include "kernel/lib/print.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"

namespace kmapper::kernel {
namespace {

constinit std::array<char, 16'384> report_buffer{};  // a report for each slot of a small window

}  // namespace

Sacrifice::Sacrifice(Thread::Function function, void* argument) : function_(function) {
  const PrintCapture capture(report_buffer);
  Thread* const thread = thread_create("sacrifice", function, argument);
  if (thread == nullptr) return;
  started_ = true;
  ending_ = thread_join(*thread);
  report_ = capture.text();
}

Outcome Sacrifice::expect_death(std::span<const std::string_view> words) const {
  return expect(Ending::died, words);
}

Outcome Sacrifice::expect_return(std::span<const std::string_view> words) const {
  return expect(Ending::returned, words);
}

Outcome Sacrifice::expect(Ending ending, std::span<const std::string_view> words) const {
  if (!started_) return failed("no memory for a thread");
  if (ending_ != ending) {
    return failed(ending == Ending::died ? "the thread did not die" : "the thread died");
  }
  for (const std::string_view word : words) {
    if (report_.find(word) != std::string_view::npos) continue;
    print("the report does not say \"{}\"\n", word);
    return failed("the report lacks something");
  }
  return passed();
}

HighPages::HighPages(std::uint32_t count) {
  while (kPageSize << order_ < count * sizeof(void*)) ++order_;
  const auto memory = get_free_pages(GFP_KERNEL, order_);
  if (!memory) return;
  pages_ = static_cast<Page**>(*memory);
  for (std::uint32_t i = 0; i < count; ++i) {
    Page* const page = alloc_pages(GFP_HIGHMEM, 0);
    if (page != nullptr) pages_[size_++] = page;
    if (page != nullptr && is_high(page)) continue;
    for (Page* const taken : all()) free_pages(taken, 0);
    size_ = 0;
    return;
  }
}

HighPages::~HighPages() {
  for (Page* const page : all()) {
    if (page != nullptr) free_pages(page, 0);
  }
  if (pages_ != nullptr) free_pages(direct_to_page(pages_), order_);
}

bool Sacrifice::names_its_call() const {
  constexpr std::string_view kCalledFrom = "called from 0x";
  constexpr std::size_t kDigits = 8;
  constexpr std::uint32_t kLongestFunction = 1024;
  const VirtAddr begin = to_virt(reinterpret_cast<const void*>(function_));
  std::string_view rest = report_;
  for (std::size_t at = 0; (at = rest.find(kCalledFrom)) != std::string_view::npos;) {
    rest.remove_prefix(at + kCalledFrom.size());
    std::uint32_t address = 0;
    for (std::size_t i = 0; i < kDigits && i < rest.size(); ++i) {
      const char digit = rest[i];
      address =
          address * 16 + static_cast<std::uint32_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    if (VirtAddr{address} > begin && VirtAddr{address} < begin + kLongestFunction) return true;
  }
  return false;
}

bool nobody_holds(Page* page) {
  const SlotIndex slot = highmem.find(page);
  return slot == kNoSlot || !word::is_pinned(highmem.inspect(slot).word);
}

FullWindow::FullWindow(std::uint32_t left)
    : pages_(highmem.slot_count() > left ? highmem.slot_count() - left : 0) {
  for (Page* const page : pages_.all()) (void)kmap(page);
}

FullWindow::~FullWindow() {
  for (Page* const page : pages_.all()) {
    if (!let_go_ || page != pages_[0]) kunmap(page);
  }
}

void FullWindow::let_one_go() {
  kunmap(pages_[0]);
  let_go_ = true;
}

}  // namespace kmapper::kernel
