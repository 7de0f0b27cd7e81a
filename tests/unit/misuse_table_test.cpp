// docs/MISUSE.md lists every misuse, in the words of its report, and names tests that exist.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "kmapper/core/report.hpp"

namespace kmapper {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The rows of the core's table, each cut into its cells. The table behind it is for
/// kmapper/linux/highmem.h, whose tests are in another program.
std::vector<std::vector<std::string>> rows() {
  std::istringstream text(read_file(KMAPPER_ROOT "/docs/MISUSE.md"));
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(text, line) && line != "## Kernel code in a process";) {
    if (!line.starts_with("| ") || line.starts_with("| what |") || line.starts_with("| ---"))
      continue;
    std::istringstream cells(line.substr(2));
    rows.emplace_back();
    for (std::string cell; std::getline(cells, cell, '|');)
      rows.back().push_back(cell.substr(std::min(cell.size(), cell.find_first_not_of(' '))));
  }
  return rows;
}

/// The texts between back quotes.
std::vector<std::string> quoted(const std::string& text) {
  std::vector<std::string> names;
  std::istringstream parts(text);
  bool inside = false;
  for (std::string part; std::getline(parts, part, '`'); inside = !inside)
    if (inside) names.push_back(part);
  return names;
}

bool is_a_unit_test(const std::string& name) {
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *all.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j)
      if (name == std::string(suite.name()) + "." + suite.GetTestInfo(j)->name()) return true;
  }
  return false;
}

/// The sources of the kernel's self tests, which contain each test's name.
std::string self_tests() {
  std::string all;
  for (const auto& file :
       std::filesystem::directory_iterator(KMAPPER_ROOT "/tests/kernel/self_test"))
    if (file.path().string().ends_with("_tests.cpp")) all += read_file(file.path());
  return all;
}

TEST(MisuseTable, HasARowForEachMisuse) {
  std::set<std::string> listed;
  for (const std::vector<std::string>& row : rows())
    listed.insert(row[0].substr(0, row[0].find(" (")));
  for (int i = 0; i < static_cast<int>(Misuse::kCount); ++i) {
    const std::string what = describe(static_cast<Misuse>(i)).what;
    EXPECT_TRUE(std::any_of(listed.begin(), listed.end(), [&](const std::string& row) {
      return row.starts_with(what);
    })) << what;
  }
}

TEST(MisuseTable, SaysWhatToDoAsTheReportDoes) {
  for (const std::vector<std::string>& row : rows()) {
    for (int i = 0; i < static_cast<int>(Misuse::kCount); ++i) {
      const MisuseText text = describe(static_cast<Misuse>(i));
      EXPECT_STRNE(text.advice, "");
      EXPECT_TRUE(!row[0].starts_with(text.what) || row[2].starts_with(text.advice)) << row[2];
    }
  }
}

TEST(MisuseTable, NamesTestsThatExist) {
  const std::string on_the_machine = self_tests();
  for (const std::vector<std::string>& row : rows()) {
    ASSERT_EQ(row.size(), 5U) << row[0];
    const std::vector<std::string> simulated = quoted(row[3]);
    const std::vector<std::string> machine = quoted(row[4]);
    EXPECT_FALSE(simulated.empty()) << row[0];
    EXPECT_EQ(machine.empty(), row[4].starts_with("none: "))
        << row[0];  // or the reason why there is none
    for (const std::string& name : simulated) EXPECT_TRUE(is_a_unit_test(name)) << name;
    for (const std::string& name : machine)
      EXPECT_NE(on_the_machine.find("\"" + name + "\""), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace kmapper
