#include "bench/process/aims.hpp"

#include <algorithm>

#include "bench/process/contenders.hpp"

namespace kmapper::bench {
namespace {

const Standing* find(const std::vector<Standing>& all, const std::string& name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Standing& it) { return it.name == name; });
  return found != all.end() ? &*found : nullptr;
}

/// Collects the aims of one contest.
class Judge {
 public:
  Judge(std::string what, const std::vector<Standing>& all) : what_(std::move(what)), all_(all) {}

  /// The time of `one` divided by that of `other`; nothing if one of them did not take part.
  void ratio(const char* one, const char* other, const char* aim, unsigned threads = 1) {
    const Standing* const first = find(all_, one);
    const Standing* const second = find(all_, other);
    if (first == nullptr || second == nullptr) return;
    aims_.push_back({what_ + ", " + std::to_string(threads) +
                         (threads == 1 ? " thread: " : " threads: ") + one + " to " + other,
                     ratio_of(first->ns[threads - 1], second->ns[threads - 1]), aim});
  }
  [[nodiscard]] std::vector<Aim> take() { return std::move(aims_); }

 private:
  const std::string what_;
  const std::vector<Standing>& all_;
  std::vector<Aim> aims_;
};

}  // namespace

std::vector<Aim> aims_of(const std::vector<Hit>& hits) {
  return {{"hit to atomic add and subtract", ratio_of(hits[kOneHit].ns, hits[kAtomicPair].ns),
           "<= 1.5"},
          {"Cursor, ns", figure_of(hits[kCursorHit].ns), "<= 2"}};
}

std::vector<Aim> aims_of(const std::string& what, const std::vector<Standing>& all, Load load,
                         std::int64_t granule, bool has_home) {
  Judge judge(what, all);
  const bool small = granule == static_cast<std::int64_t>(kPage);
  const char* const slots = has_home ? kWindowInSlots : kWindow;
  switch (load) {
    case Load::uniform:
      if (has_home && small) {
        judge.ratio(kReads, kWindow, ">= 1");
        judge.ratio(kMapAnew, kWindow, ">= 2.5");
      } else if (has_home) {
        judge.ratio(kReads, kWindow, ">= 4");
      }
      judge.ratio(kMapAnew, slots, ">= 1.3");
      break;
    case Load::scan:
      if (has_home) judge.ratio(kWindow, kWhole, "<= 1.15");
      judge.ratio(kReads, slots, ">= 1");
      break;
    case Load::zipf:
    case Load::mix:
      for (const char* const ours : {kWindow, kWindowOfCopies}) {
        judge.ratio(kCache, ours, small ? ">= 1" : ">= 2", 1);
        judge.ratio(kCache, ours, small ? ">= 1.3" : ">= 2", 2);
      }
      break;
    case Load::writes:
      break;
  }
  return judge.take();
}

void Residents::add(const std::string& what, const std::vector<Standing>& all) {
  for (const Standing& it : all) {
    const bool is_ours =
        it.name == kWindow || it.name == kWindowInSlots || it.name == kWindowOfCopies;
    if (is_ours && it.resident > most_) {
      most_ = it.resident;
      where_ = what + ", " + it.name;
    }
  }
}

Aim Residents::aim() const {
  return {"most resident memory and page tables, to the budget (" + where_ + ")",
          {most_, most_, most_},
          "<= 1.1"};
}

}  // namespace kmapper::bench
