// Pages that the next process finds by their names. "The next process" is often the next object:
// it reads the same file.
#include "kmapper/process/named_pages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "in_a_child.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kGranule = 4096;

Budget small_budget(std::int64_t granule = kGranule) {
  return Budget({.bytes = 64 * granule, .granule = granule});
}

class Pages : public testing::Test {
 protected:
  [[nodiscard]] const std::string& path() const { return file_.path(); }
  [[nodiscard]] int descriptor() const { return file_.descriptor(); }

  /// Fills a page with a number.
  static void fill(NamedPages& pages, HighPage page, std::uint64_t number) {
    const auto mapping = pages.map(page);
    ASSERT_TRUE(mapping) << mapping.error().message();
    for (std::size_t at = 0; at < mapping->size(); at += sizeof number)
      std::memcpy(mapping->data() + at, &number, sizeof number);
  }
  /// The number that a page is filled with; 0 too where it is not filled with one.
  static std::uint64_t number_in(NamedPages& pages, HighPage page) {
    const auto mapping = pages.map(page);
    std::uint64_t first = 0;
    std::memcpy(&first, mapping->data(), sizeof first);
    for (std::size_t at = 0; at < mapping->size(); at += sizeof first) {
      if (std::memcmp(mapping->data() + at, &first, sizeof first) != 0) return 0;
    }
    return first;
  }
  static std::vector<HighPage> some(NamedPages& pages, std::size_t count, std::uint64_t number) {
    std::vector<HighPage> list;
    for (std::size_t i = 0; i < count; ++i) {
      const auto page = pages.allocate();
      EXPECT_TRUE(page) << page.error().message();
      list.push_back(*page);
      EXPECT_EQ(number_in(pages, *page), 0U);
      fill(pages, *page, number + i);
    }
    return list;
  }
  /// The text of the error with which the file is not opened.
  [[nodiscard]] std::string refusal(std::int64_t granule = kGranule) const {
    try {
      const NamedPages pages(path(), small_budget(granule));
      return "it is opened";
    } catch (const std::system_error& error) {
      return error.what();
    }
  }
  void write(std::int64_t offset, const std::string& bytes) const {
    EXPECT_EQ(pwrite64(descriptor(), bytes.data(), bytes.size(), offset),
              static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] std::string read(std::int64_t offset, std::size_t size) const {
    std::string bytes(size, '\0');
    EXPECT_EQ(pread64(descriptor(), bytes.data(), size, offset), static_cast<ssize_t>(size));
    return bytes;
  }

 private:
  const ScratchFile file_{ScratchFile::on_disk, 0};
};

TEST_F(Pages, AreFoundByTheNextProcess) {
  EXPECT_EQ(in_a_child([this] {
              NamedPages pages(path(), small_budget());
              (void)some(pages, 20, 5);  // without a name
              const std::vector<HighPage> list = some(pages, 100, 1000);
              if (pages.name("list", list)) return 1;
              if (pages.name("one", {{list[7]}})) return 2;
              (void)some(pages, 20, 5);
              return 0;
            }),
            0);
  NamedPages pages(path(), small_budget());
  const auto list = pages.find("list");
  ASSERT_TRUE(list) << list.error().message();
  ASSERT_EQ(list->size(), 100U);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(number_in(pages, (*list)[i]), 1000 + i);
  ASSERT_EQ(pages.find("one")->size(), 1U);
  EXPECT_EQ(pages.find("one")->front(), (*list)[7]);
  EXPECT_EQ(pages.names(), (std::vector<std::string>{"list", "one"}));
  EXPECT_EQ(pages.find("none").error().code(), std::errc::no_such_file_or_directory);
  // All that has no name is free, and zeros.
  (void)some(pages, 300, 7);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(number_in(pages, (*list)[i]), 1000 + i);
}

TEST_F(Pages, LastWhenANameIsGivenToOthers) {
  std::vector<HighPage> old;
  {
    NamedPages pages(path(), small_budget());
    old = some(pages, 5, 100);
    ASSERT_FALSE(pages.name("x", old));
    ASSERT_FALSE(pages.name("x", some(pages, 5, 200)));
    EXPECT_EQ(number_in(pages, old[0]), 100U);
    for (const HighPage page : old) EXPECT_FALSE(pages.free(page));
    EXPECT_EQ(pages.free(old[0]).code(), WindowErrc::invalid_range);
  }
  NamedPages pages(path(), small_budget());
  const auto list = pages.find("x");
  ASSERT_EQ(list->size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(number_in(pages, (*list)[i]), 200 + i);
  ASSERT_FALSE(pages.unname("x"));
  EXPECT_EQ(pages.unname("x").code(), std::errc::no_such_file_or_directory);
  EXPECT_FALSE(pages.find("x"));
  EXPECT_FALSE(pages.free((*list)[0]));
}

TEST_F(Pages, WithANameAreNotFreed) {
  NamedPages pages(path(), small_budget());
  const std::vector<HighPage> list = some(pages, 2, 1);
  ASSERT_FALSE(pages.name("a", list));
  ASSERT_FALSE(pages.name("b", {{list[0]}}));
  EXPECT_EQ(pages.free(list[0]).code(), WindowErrc::invalid_range);
  ASSERT_FALSE(pages.unname("a"));
  EXPECT_EQ(pages.free(list[0]).code(), WindowErrc::invalid_range);
  EXPECT_FALSE(pages.free(list[1]));
  ASSERT_FALSE(pages.unname("b"));
  EXPECT_FALSE(pages.free(list[0]));
}

TEST_F(Pages, ThatAreNotAllocatedGetNoName) {
  NamedPages pages(path(), small_budget());
  const std::vector<HighPage> list = some(pages, 3, 1);
  ASSERT_FALSE(pages.name("a", list));
  EXPECT_EQ(pages.name("b", {{HighPage{0}}}).code(), WindowErrc::invalid_range);
  EXPECT_EQ(pages.name("b", {{HighPage{1000}}}).code(), WindowErrc::invalid_range);
  EXPECT_EQ(pages.name("", list).code(), WindowErrc::invalid_option);
  EXPECT_EQ(pages.name(std::string(256, 'x'), list).code(), WindowErrc::invalid_option);
  EXPECT_EQ(pages.map(HighPage{0}).error().code(), WindowErrc::invalid_range);
  for (std::uint64_t i = 0; i < 10; ++i) {  // the headers and the directory are among these
    if (std::find(list.begin(), list.end(), HighPage{i}) == list.end()) {
      EXPECT_TRUE(pages.free(HighPage{i})) << i;
    }
  }
  EXPECT_FALSE(pages.name(std::string(255, 'x'), {}));
  EXPECT_TRUE(pages.find(std::string(255, 'x'))->empty());
}

TEST_F(Pages, AreAsBeforeWhereTheMachineStoppedDuringAChange) {
  std::string header;
  {
    NamedPages pages(path(), small_budget());
    ASSERT_FALSE(pages.name("x", some(pages, 3, 100)));
    header = read(0, 8192);
    ASSERT_FALSE(pages.name("x", some(pages, 3, 200)));
  }
  write(0, header);  // as if the last write had not come to the disk
  {
    NamedPages pages(path(), small_budget());
    const auto list = pages.find("x");
    ASSERT_TRUE(list);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(number_in(pages, (*list)[i]), 100 + i);
    ASSERT_FALSE(pages.name("x", some(pages, 3, 300)));
    ASSERT_FALSE(pages.name("y", some(pages, 1, 400)));
  }
  // As if the last header had been written in part.
  std::uint64_t sequences[2];
  std::memcpy(&sequences[0], read(24, 8).data(), 8);
  std::memcpy(&sequences[1], read(4096 + 24, 8).data(), 8);
  write((sequences[0] > sequences[1] ? 0 : 4096) + 40, std::string(8, '\7'));
  NamedPages pages(path(), small_budget());
  EXPECT_TRUE(pages.find("x"));
  EXPECT_FALSE(pages.find("y"));
}

TEST_F(Pages, OfAProcessThatIsKilledAreWhole) {
  for (int round = 0; round < 10; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      NamedPages pages(path(), small_budget());
      for (std::uint64_t number = 1;; ++number) {
        const std::vector<HighPage> list = some(pages, 1 + number % 70, number * 1000);
        const auto old = pages.find("x");
        if (pages.name("x", list)) _exit(1);
        for (const HighPage page : *old) {
          if (pages.free(page)) _exit(2);
        }
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + 7 * round));
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(exit_of(status), -SIGKILL);
    NamedPages pages(path(), small_budget());
    const auto list = pages.find("x");
    if (!list) continue;  // killed before the first name
    ASSERT_FALSE(list->empty());
    const std::uint64_t number = number_in(pages, list->front()) / 1000;
    ASSERT_EQ(list->size(), 1 + number % 70);
    for (std::size_t i = 0; i < list->size(); ++i)
      ASSERT_EQ(number_in(pages, (*list)[i]), number * 1000 + i);
  }
}

TEST_F(Pages, OfADamagedFileAreRefusedInOneLine) {
  {
    NamedPages pages(path(), small_budget());
    ASSERT_FALSE(pages.name("x", some(pages, 20, 100)));
  }
  EXPECT_NE(refusal(2 * kGranule)
                .find(": has pages of 4096 bytes, but the budget has granules of 8192: "),
            std::string::npos)
      << refusal(2 * kGranule);
  const std::string headers = read(0, 8192);
  write(0, std::string(8, 'x'));
  write(4096, std::string(8, 'x'));
  EXPECT_NE(refusal().find(path() + ": is not a file of named pages: "), std::string::npos)
      << refusal();
  write(0, headers);
  write(32, std::string(8, 'x'));
  write(4096 + 32, std::string(8, 'x'));
  EXPECT_NE(refusal().find(": is damaged: neither of its headers is whole"), std::string::npos);
  write(0, headers);
  const std::int64_t directory = 22 * kGranule;  // behind two headers and 20 pages
  const std::string was = read(directory, 8);
  write(directory, std::string(8, 'x'));
  EXPECT_NE(refusal().find(": is damaged: its directory is not what was written"),
            std::string::npos)
      << refusal();
  write(directory, was);
  const std::string page = read(directory + 17, 1);  // of the first page's number
  write(directory + 17, "\7");
  EXPECT_NE(refusal().find(": is damaged: its directory is not what was written"),
            std::string::npos)
      << refusal();
  write(directory + 17, page);
  ASSERT_EQ(ftruncate64(descriptor(), 5 * kGranule), 0);
  EXPECT_NE(refusal().find(": is cut short: it has 20480 bytes, and needs its page 22"),
            std::string::npos)
      << refusal();
}

TEST_F(Pages, AreOfOneProcessAtATime) {
  NamedPages pages(path(), small_budget());
  EXPECT_NE(refusal().find(": is open in another process or object"), std::string::npos);
  NamedPages moved = std::move(pages);
  EXPECT_TRUE(moved.allocate());
}

TEST_F(Pages, OfAChildAreTheParents) {
  NamedPages pages(path(), small_budget());
  const std::vector<HighPage> list = some(pages, 1, 1);
  EXPECT_EQ(in_a_child([&] {
              if (pages.name("x", list).code() != WindowErrc::forked) return 1;
              if (pages.find("x").error().code() != WindowErrc::forked) return 2;
              if (pages.free(list[0]).code() != WindowErrc::forked) return 3;
              if (!pages.names().empty()) return 4;
              return pages.allocate().error().code() == WindowErrc::forked ? 0 : 5;
            }),
            0);
  EXPECT_FALSE(pages.name("x", list));
}

TEST_F(Pages, OfManyThreadsKeepTheirNames) {
  {
    NamedPages pages(path(), small_budget());
    std::vector<std::thread> threads;
    for (std::uint64_t number = 1; number <= 4; ++number) {
      threads.emplace_back([&pages, number] {
        const std::string name = "thread " + std::to_string(number);
        std::vector<HighPage> old;
        for (std::uint64_t i = 0; i < 20; ++i) {
          std::vector<HighPage> list = some(pages, 3, number * 1000 + i);
          ASSERT_FALSE(pages.name(name, list));
          for (const HighPage page : old) ASSERT_FALSE(pages.free(page));
          old = std::move(list);
        }
      });
    }
    for (std::thread& it : threads) it.join();
  }
  NamedPages pages(path(), small_budget());
  for (std::uint64_t number = 1; number <= 4; ++number) {
    const auto list = pages.find("thread " + std::to_string(number));
    ASSERT_TRUE(list);
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_EQ(number_in(pages, (*list)[i]), number * 1000 + 19 + i);
  }
}

TEST(NamedPages, AreMadeWhereThereIsNoFile) {
  const ScratchFile folder_of(ScratchFile::on_disk, 0);
  const std::string path = folder_of.path() + ".pages";
  for (const std::int64_t granule : {kGranule, 16 * kGranule}) {
    {
      NamedPages pages(path, small_budget(granule));
      EXPECT_EQ(pages.page_size(), granule);
      const auto page = pages.allocate();
      ASSERT_TRUE(page);
      pages.map(*page)->writable()[5] = std::byte{5};
      ASSERT_FALSE(pages.name("x", {{*page}}));
    }
    NamedPages pages(path, small_budget(granule));
    EXPECT_EQ(pages.map(pages.find("x")->front())->bytes()[5], std::byte{5});
    EXPECT_EQ(unlink(path.c_str()), 0);
  }
  EXPECT_THROW(NamedPages("/no/such/folder/file", small_budget()), std::system_error);
}

}  // namespace
}  // namespace kmapper::process
