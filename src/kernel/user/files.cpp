#include "kernel/user/files.hpp"

#include <new>

#include "kernel/mm/page_alloc.hpp"

namespace kmapper::kernel {
namespace {

constinit const FileStore* store = nullptr;

}  // namespace

FileStore::FileStore() {
  static_assert(kMaxFiles * sizeof(File) <= kPageSize);
  const auto memory = get_free_pages(GFP_KERNEL, 0);
  if (memory) files_ = static_cast<File*>(*memory);
  store = this;
}

FileStore::~FileStore() {
  store = nullptr;
  for (std::uint32_t i = 0; i < size_; ++i) files_[i].~File();
  if (files_ != nullptr) free_pages(direct_to_page(files_), 0);
}

File* FileStore::add(std::string_view name, std::uint64_t size) {
  if (files_ == nullptr || size_ == kMaxFiles) return nullptr;
  return new (files_ + size_++) File{name, size};
}

const File* find_file(std::uint32_t index) {
  if (store == nullptr || index >= store->all().size()) return nullptr;
  return &store->all()[index];
}

}  // namespace kmapper::kernel
