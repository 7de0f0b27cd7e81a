// A cell is a character and its colours, 16 bits, row by row (IBM VGA technical reference, text
// modes). Reading video memory takes long on a PC, so there is a copy to scroll from.
#include "kernel/drivers/screen.hpp"

#include <algorithm>
#include <cstdint>

#include "arch/io.hpp"
#include "arch/paging.hpp"

namespace kmapper::kernel {
namespace {

using Cell = std::uint16_t;
constexpr Cell kBlank = 0x0720;  // grey on black
constexpr std::size_t kMostCells = kPageSize / sizeof(Cell);

constinit volatile Cell* video = nullptr;
constinit Cell copy[kMostCells]{};
constinit std::size_t width = 0;
constinit std::size_t cells = 0;
constinit std::size_t next = 0;  // the cell where text goes on

void show(std::size_t from, std::size_t end) {
  for (std::size_t i = from; i < end; ++i) video[i] = copy[i];
}

void scroll() {
  std::copy(copy + width, copy + cells, copy);
  std::fill_n(copy + cells - width, width, kBlank);
  next -= width;
  show(0, cells);
}

void put(char character) {
  if (next == cells) scroll();
  if (character == '\n') {
    next += width - next % width;
    return;
  }
  copy[next] = static_cast<Cell>((kBlank & 0xFF00) | static_cast<unsigned char>(character));
  show(next, next + 1);
  ++next;
}

// The cursor would stay where the loader left it. (CRT controller, register 10)
void hide_cursor() {
  constexpr Port kIndex{0x3D4};
  constexpr Port kData{0x3D5};
  out8(kIndex, 10);
  out8(kData, 0x20);
}

}  // namespace

void screen_init(const TextScreen& screen) {
  const std::size_t wanted = std::size_t{screen.width} * screen.height;
  if (wanted == 0 || wanted > kMostCells || to_number(screen.cells) % kPageSize != 0) return;
  width = screen.width;
  cells = wanted;
  std::fill_n(copy, cells, kBlank);
  hide_cursor();
  video = static_cast<Cell*>(map_device(to_pfn(screen.cells)));
  show(0, cells);
}

void screen_write(const char* text, std::size_t size) {
  if (video != nullptr) std::for_each(text, text + size, put);
}

}  // namespace kmapper::kernel
