// What the shell allocates by vmalloc.
#pragma once

#include <array>
#include <cstdint>

namespace kmapper::kernel {

/// Areas by number, each filled with its pages' numbers when it is allocated. Each call but
/// free_all() prints what it did, or why not.
class ShellAreas {
 public:
  ShellAreas() = default;
  ~ShellAreas() { free_all(); }
  ShellAreas(const ShellAreas&) = delete;
  ShellAreas& operator=(const ShellAreas&) = delete;

  void allocate(std::uint32_t pages);
  /// Reads the area back first.
  void free(std::uint32_t number);
  void free_all();
  void print_all() const;

 private:
  struct Area {
    std::uint32_t* words = nullptr;
    std::uint32_t pages = 0;
  };

  std::array<Area, 32> areas_{};
};

}  // namespace kmapper::kernel
