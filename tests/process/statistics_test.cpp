// Statistics as text. The texts are read again as their readers do.
#include "kmapper/process/statistics.hpp"

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = 4096;

/// What Prometheus's text format (version 0.0.4) requires, and what was found by it.
class Exposition {
 public:
  /// Reads a text; wrong() says what breaks the format.
  explicit Exposition(const std::string& text) {
    if (text.empty() || text.back() != '\n') wrong_ = "no line end at the end";
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) read(line);
    for (const auto& [metric, type] : types_) {
      if (helps_.count(metric) == 0) wrong_ = "no HELP of " + metric;
    }
  }
  [[nodiscard]] const std::string& wrong() const { return wrong_; }
  [[nodiscard]] const std::map<std::string, std::string>& types() const { return types_; }
  /// The sample of a metric and a label's value; "" if there is none.
  [[nodiscard]] std::string sample(const std::string& metric, const std::string& label) const {
    const auto found = samples_.find({metric, label});
    return found != samples_.end() ? found->second : "";
  }
  [[nodiscard]] std::size_t size() const { return samples_.size(); }

 private:
  void read(const std::string& line) {
    static const std::regex kComment("# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)");
    static const std::regex kSample(
        "([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{budget=\"((?:[^\\\\\"]|\\\\[\\\\\"n])*)\"\\})? "
        "([0-9]+(?:\\.[0-9]+)?)");
    std::smatch parts;
    if (std::regex_match(line, parts, kComment)) {
      auto& seen = parts[1] == "HELP" ? helps_ : types_;
      if (!seen.emplace(parts[2], parts[3]).second) wrong_ = "twice: " + line;
      if (parts[1] == "TYPE" && parts[3] != "counter" && parts[3] != "gauge") wrong_ = line;
      group_ = parts[2];
    } else if (std::regex_match(line, parts, kSample)) {
      if (parts[1] != group_ || types_.count(group_) == 0) wrong_ = "out of its group: " + line;
      if (!samples_.emplace(std::pair(parts[1].str(), parts[3].str()), parts[4]).second)
        wrong_ = "twice: " + line;
    } else {
      wrong_ = "neither comment nor sample: " + line;
    }
  }

  std::string group_;
  std::string wrong_;
  std::map<std::string, std::string> helps_;
  std::map<std::string, std::string> types_;
  std::map<std::pair<std::string, std::string>, std::string> samples_;
};

TEST(Statistics, ALineHasEachNumberByItsName) {
  const ScratchFile file(10 * kGranule);
  const Budget budget({.bytes = 16 * kGranule, .granule = kGranule});
  FileWindow window(file.descriptor(), Access::read_only, budget);
  const auto held = window.map(0, 10);
  { const auto hit = window.map(10, 10); }
  const std::string line = to_line(budget.stats());
  EXPECT_EQ(line.find('\n'), std::string::npos);
  std::map<std::string, std::string> numbers;
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    const std::size_t at = word.find('=');
    ASSERT_NE(at, std::string::npos) << word;
    EXPECT_TRUE(numbers.emplace(word.substr(0, at), word.substr(at + 1)).second) << word;
  }
  EXPECT_EQ(numbers.size(), 24U);
  EXPECT_EQ(numbers["hits"], "1");
  EXPECT_EQ(numbers["misses"], "1");
  EXPECT_EQ(numbers["pinned"], "4096");
  EXPECT_EQ(numbers["granule"], "4096");
}

TEST(Statistics, PrometheusReadsSeveralBudgets) {
  Stats one{};
  one.hits = UINT32_MAX + std::uint64_t{7};
  one.longest_sleep_ns = 1'000'000'005;
  one.populated = -1;
  Stats other{};
  other.populated = 4096;
  const NamedStats all[] = {{"one", one}, {"a \"b\"\\\n", other}};
  const Exposition text(to_prometheus(all));
  EXPECT_EQ(text.wrong(), "");
  EXPECT_EQ(text.types().size(), 23U);
  EXPECT_EQ(text.size(), 2 * 23U - 1);
  EXPECT_EQ(text.sample("kmapper_hits_total", "one"), "4294967302");
  EXPECT_EQ(text.sample("kmapper_longest_sleep_seconds", "one"), "1.000000005");
  EXPECT_EQ(text.sample("kmapper_populated_bytes", "one"), "");
  EXPECT_EQ(text.sample("kmapper_populated_bytes", "a \\\"b\\\"\\\\\\n"), "4096");
}

TEST(Statistics, MetricsAreNamedByTheRules) {
  const NamedStats nameless[] = {{"", Stats{}}};
  const Exposition text(to_prometheus(nameless));
  EXPECT_EQ(text.wrong(), "");
  EXPECT_EQ(text.sample("kmapper_hits_total", ""), "0");
  for (const auto& [metric, type] : text.types()) {
    EXPECT_EQ(type == "counter", metric.ends_with("_total")) << metric;
    EXPECT_EQ(metric.find("_ns"), std::string::npos) << metric;
  }
}

}  // namespace
}  // namespace kmapper::process
