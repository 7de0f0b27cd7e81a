// An address range in which each page has a place of its own, where no other page is ever mapped.
// So an address names its page, however late it is used. What is not mapped is inaccessible.
//
// Mapping and unmapping a page changes the protection of its place. The place is then a mapping of
// its own (a VMA): high pages lie between guards that are not mapped from the file, and neighbours
// among low pages differ in a flag. So the system never has to split or to merge mappings, which
// takes three times as long. A process may have 65,530 mappings (vm.max_map_count). When the
// views have many, each gives older places back to its reservation.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "linux/layout.hpp"
#include "system/memory.hpp"

namespace kmapper::linux_face {

class View {
 public:
  static constexpr int kNoKey = -1;

  View(const Layout& layout, int file);

  [[nodiscard]] std::byte* address(unsigned long pfn) const {
    return range_.begin() + layout_.offset_of(pfn);
  }
  [[nodiscard]] bool contains(const void* address) const { return range_.contains(address); }
  /// Of an address that the view contains.
  [[nodiscard]] Layout::Position position(const void* address) const {
    return layout_.position(
        static_cast<std::size_t>(static_cast<const std::byte*>(address) - range_.begin()));
  }
  [[nodiscard]] bool is_open(unsigned long pfn) const { return state(pfn) == State::open; }

  /// Makes a page accessible, or inaccessible. The caller serialises the calls. A low page that
  /// shares a machine page with others stays accessible.
  /// `key`: of ProtectionKeys; kNoKey: no page of the view has been given one.
  void open(unsigned long pfn, int key = kNoKey);
  void close(unsigned long pfn);
  /// Makes a page readable, for ever.
  void open_for_reading(unsigned long pfn);

 private:
  enum class State : std::uint8_t { reserved, closed, open };
  static constexpr unsigned long kMostPlaces = 16'384;  // of high pages, in all views together
  static constexpr unsigned long kMostLowPlaces = 8192;

  [[nodiscard]] State& state(unsigned long pfn) const { return states_[pfn - Layout::kZeroPfn]; }
  void map(unsigned long pfn, int protection);
  void map_for_the_first_time(unsigned long pfn);
  void map_the_other_low_pages();
  void give_back_a_place();

  static std::atomic<unsigned long> views_;  // relaxed: how many there are

  const Layout& layout_;
  const int file_;
  const system::AddressRange range_;
  const system::ZeroArray<State> states_;
  unsigned long places_ = 0;  // that high pages have been mapped at
  unsigned long hand_;        // the next place to look at for one to give back
};

}  // namespace kmapper::linux_face
