#include "process/api/page_directory.hpp"

#include <cstring>
#include <utility>

namespace kmapper::process {
namespace {

void put(std::vector<std::byte>& to, const void* from, std::size_t size) {
  const auto* const bytes = static_cast<const std::byte*>(from);
  to.insert(to.end(), bytes, bytes + size);
}

/// What is left of a directory.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> rest) : rest_(rest) {}

  [[nodiscard]] bool is_at_end() const { return rest_.empty(); }
  /// Null: less is left.
  [[nodiscard]] const std::byte* take(std::uint64_t size) {
    if (size > rest_.size()) return nullptr;
    const std::byte* const at = rest_.data();
    rest_ = rest_.subspan(static_cast<std::size_t>(size));
    return at;
  }
  [[nodiscard]] std::optional<std::uint64_t> number() {
    const std::byte* const at = take(sizeof(std::uint64_t));
    if (at == nullptr) return std::nullopt;
    std::uint64_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

 private:
  std::span<const std::byte> rest_;
};

}  // namespace

/// FNV-1a, of 64 bits.
std::uint64_t sum_of(std::span<const std::byte> bytes) {
  std::uint64_t sum = 0xCBF29CE484222325U;
  for (const std::byte it : bytes)
    sum = (sum ^ std::to_integer<std::uint64_t>(it)) * 0x100000001B3U;
  return sum;
}

bool PageHeader::is_whole() const {
  PageHeader sealed = *this;
  sealed.seal();
  return magic == kMagic && sum == sealed.sum;
}

void PageHeader::seal() {
  sum = sum_of(std::as_bytes(std::span(this, 1)).first(offsetof(PageHeader, sum)));
}

std::vector<std::byte> written(const PageNames& names) {
  std::vector<std::byte> bytes;
  for (const auto& [name, pages] : names) {
    const std::uint64_t numbers[] = {name.size(), pages.size()};
    put(bytes, numbers, sizeof numbers);
    put(bytes, name.data(), name.size());
    put(bytes, pages.data(), pages.size() * sizeof(HighPage));
  }
  return bytes;
}

std::optional<PageNames> read_names(std::span<const std::byte> directory) {
  PageNames names;
  Reader reader(directory);
  while (!reader.is_at_end()) {
    const std::optional<std::uint64_t> length = reader.number();
    const std::optional<std::uint64_t> count = reader.number();
    if (!length || !count || *count > reader.left() / sizeof(HighPage)) return std::nullopt;
    const std::byte* const name = reader.take(*length);
    const std::byte* const pages = reader.take(*count * sizeof(HighPage));
    if (name == nullptr || pages == nullptr) return std::nullopt;
    std::vector<HighPage> list(static_cast<std::size_t>(*count));
    if (!list.empty()) std::memcpy(list.data(), pages, list.size() * sizeof(HighPage));
    names.emplace(
        std::string(reinterpret_cast<const char*>(name), static_cast<std::size_t>(*length)),
        std::move(list));
  }
  return names;
}

}  // namespace kmapper::process
