#include "bench/process/aims.hpp"

#include <algorithm>
#include <utility>

namespace kmapper::bench {
namespace {

/// Automatic is to be never slower than this part of the best contender.
constexpr double kNear = 0.9;

const Standing* find(const std::vector<Standing>& all, const std::string& name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Standing& it) { return it.name == name; });
  return found != all.end() ? &*found : nullptr;
}

/// Collects the aims of one contest.
class Judge {
 public:
  Judge(std::string what, const Plan& plan, const std::vector<Standing>& all)
      : what_(std::move(what)), plan_(plan), all_(all) {}

  /// The time of `one` divided by that of `other`; nothing if one of them did not take part.
  void ratio(const char* one, const char* other, const char* aim, unsigned threads = 1) {
    const Standing* const first = find(all_, one);
    const Standing* const second = find(all_, other);
    const std::size_t index = index_of(threads);
    if (first == nullptr || second == nullptr || index == plan_.threads.size()) return;
    add(std::to_string(threads) + (threads == 1 ? " thread: " : " threads: ") + one + " to " +
            other,
        ratio_of(first->ns[index], second->ns[index]), aim);
  }
  /// What a miss takes, divided by its price. Some of the accesses are hits.
  void to_price(const char* one, const std::vector<double>& price, const char* name) {
    const Standing* const it = find(all_, one);
    if (it == nullptr) return;
    std::vector<double> bound = price;
    for (double& ns : bound) ns *= 1 - 1 / static_cast<double>(plan_.share);
    add(std::string(one) + " to " + name, ratio_of(it->ns[0], bound), "<= 1.15");
  }
  /// How fast `one` is with 8 threads, compared with 2.
  void with_8_threads(const char* one) {
    const Standing* const it = find(all_, one);
    const std::size_t two = index_of(2);
    const std::size_t eight = index_of(8);
    if (it == nullptr || std::max(two, eight) == plan_.threads.size()) return;
    add(std::string(one) + ", 8 threads to 2", ratio_of(it->ns[two], it->ns[eight]), ">= 0.9");
  }
  [[nodiscard]] std::vector<Aim> take() { return std::move(aims_); }

 private:
  void add(const std::string& what, Figure ratio, const char* aim) {
    aims_.push_back({what_ + ", " + what, ratio, aim});
  }
  [[nodiscard]] std::size_t index_of(unsigned threads) const {
    return static_cast<std::size_t>(std::find(plan_.threads.begin(), plan_.threads.end(), threads) -
                                    plan_.threads.begin());
  }

  const std::string what_;
  const Plan& plan_;
  const std::vector<Standing>& all_;
  std::vector<Aim> aims_;
};

/// What a miss at home is: the fault, and later the drop.
std::vector<double> sum_of(const Series& one, const Series& other) {
  std::vector<double> sum = one.ns;
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += other.ns[i];
  return sum;
}

Figure exactly(double value) { return {value, value, value}; }

}  // namespace

std::vector<Aim> aims_of(const std::vector<Series>& hits) {
  const std::vector<double>& pair = hits[kAtomicPair].ns;
  return {{"hit to atomic add and subtract", ratio_of(hits[kOneHit].ns, pair), "<= 1.5"},
          {"hit on a copy to atomic add and subtract", ratio_of(hits[kCopyHit].ns, pair), "<= 1.5"},
          {"Cursor to atomic add and subtract", ratio_of(hits[kCursorHit].ns, pair), "<= 0.5"}};
}

std::vector<Aim> aims_of(const std::string& what, const Plan& plan,
                         const std::vector<Standing>& all, const std::vector<Prices>& prices) {
  Judge judge(what, plan, all);
  const auto price = std::find_if(prices.begin(), prices.end(),
                                  [&plan](const Prices& it) { return it.granule == plan.granule; });
  if (plan.only_those_that_keep) {
    judge.with_8_threads(kCopies);
    return judge.take();
  }
  switch (plan.load) {
    case Load::uniform:
      judge.ratio(kCopies, kReads, "<= 1.15");
      judge.to_price(kHome, sum_of(price->fault, price->drop), "fault and drop");
      judge.to_price(kSlots, price->map.ns, "mmap over another");
      break;
    case Load::scan:
      judge.ratio(kLongReads, kCopies, ">= 1");
      break;
    case Load::zipf:
    case Load::mix:
      judge.ratio(kCache, kCopies, ">= 1", 1);
      judge.ratio(kPool, kCopies, ">= 0.95", 1);
      judge.ratio(kCache, kCopies, ">= 2", 2);
      judge.ratio(kPool, kCopies, ">= 1", 2);
      break;
    case Load::writes:
      judge.ratio(kCache, kCopies, ">= 1");
      break;
    case Load::beside:
    case Load::uncached:
      break;
  }
  return judge.take();
}

std::vector<Best> Summary::add(const std::string& what, const Plan& plan,
                               const std::vector<Standing>& all) {
  std::vector<Best> bests;
  for (std::size_t i = 0; i < plan.threads.size(); ++i) {
    const Standing* best = nullptr;
    for (const Standing& it : all) {
      if (it.kind != Kind::rival) continue;
      if (best == nullptr || figure_of(it.ns[i]).median < figure_of(best->ns[i]).median) best = &it;
    }
    if (best == nullptr) continue;
    const Figure ratio = ratio_of(best->ns[i], all[0].ns[i]);
    bests.push_back({plan.threads[i], best->name, ratio});
    ++rows_;
    if (ratio.median >= kNear) ++near_;
    if (ratio.median >= 1) ++faster_;
    add_choice(what, all, i);
  }
  for (const Standing& it : all) {
    if (it.kind != Kind::ours || it.resident <= most_resident_) continue;
    most_resident_ = it.resident;
    most_resident_at_ = what + ", " + it.name;
  }
  return bests;
}

/// Whether another placement would have been better.
void Summary::add_choice(const std::string& what, const std::vector<Standing>& all,
                         std::size_t index) {
  for (const Standing& it : all) {
    if (it.kind != Kind::ours) continue;
    const double ratio = ratio_of(it.ns[index], all[0].ns[index]).median;
    if (ratio >= worst_choice_) continue;
    worst_choice_ = ratio;
    worst_choice_at_ = what + ", " + it.name;
  }
}

std::vector<Aim> Summary::aims() const {
  if (rows_ == 0) return {};
  const auto share = [this](std::size_t rows) {
    return exactly(static_cast<double>(rows) / static_cast<double>(rows_));
  };
  const auto count = [this](std::size_t rows) {
    return std::to_string(rows) + " of " + std::to_string(rows_) + " rows";
  };
  return {{"automatic at least 0.9 of the best contender: " + count(near_), share(near_), ">= 1"},
          {"automatic at least as fast as it: " + count(faster_), share(faster_), ">= 0.667"},
          {"the best placement to automatic, the least (" + worst_choice_at_ + ")",
           exactly(worst_choice_), ">= 0.9"},
          {"most resident memory and page tables, to the budget (" + most_resident_at_ + ")",
           exactly(most_resident_), "<= 1.1"}};
}

}  // namespace kmapper::bench
