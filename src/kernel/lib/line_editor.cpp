#include "kernel/lib/line_editor.hpp"

#include <algorithm>

namespace kmapper::kernel {

std::string_view LineEditor::rub_out(std::size_t characters) {
  constexpr std::string_view kRubOut = "\b \b";
  characters = std::min(characters, size_);
  size_ -= characters;
  for (std::size_t i = 0; i < characters; ++i)
    std::copy(kRubOut.begin(), kRubOut.end(), echo_.begin() + i * kRubOut.size());
  return {echo_.data(), characters * kRubOut.size()};
}

std::string_view LineEditor::take(char character) {
  constexpr char kInterrupt = 'C' - '@';
  constexpr char kKill = 'U' - '@';
  constexpr char kDelete = 0x7F;
  const bool continues_return = after_return_ && character == '\n';
  after_return_ = character == '\r';
  if (continues_return) return {};
  if (ended_) size_ = 0;
  ended_ = character == '\r' || character == '\n';
  if (ended_) return "\n";
  if (character == '\b' || character == kDelete) return rub_out(1);
  if (character == kKill || character == kInterrupt) return rub_out(size_);
  if (character < ' ' || character > '~' || size_ == kMostCharacters) return {};
  characters_[size_++] = character;
  return {&characters_[size_ - 1], 1};
}

}  // namespace kmapper::kernel
