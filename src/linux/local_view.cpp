#include "linux/local_view.hpp"

#include <unistd.h>

#include <algorithm>

namespace kmapper::linux_face {
namespace {

constinit std::atomic<unsigned> views{0};  // how many were made

}  // namespace

constinit std::atomic<LocalView*> LocalView::first_{nullptr};

LocalView::LocalView(Machine& machine)
    : view_(machine.layout, machine.file()),
      keys_(machine.keys),
      turn_(views.fetch_add(1, std::memory_order_relaxed) % std::max(keys_.count(), 1U)) {}

bool LocalView::try_to_take() {
  bool taken = is_taken_.load(std::memory_order_relaxed);
  return !taken && is_taken_.compare_exchange_strong(taken, true, std::memory_order_acquire);
}

LocalView& LocalView::take() {
  LocalView* view = first_.load(std::memory_order_acquire);
  while (view != nullptr && !view->try_to_take()) view = view->next_;
  if (view == nullptr) {
    view = new LocalView(Machine::get());
    view->next_ = first_.load(std::memory_order_relaxed);
    while (!first_.compare_exchange_weak(view->next_, view, std::memory_order_release)) {
    }
  }
  view->thread_.store(static_cast<int>(gettid()), std::memory_order_relaxed);
  return *view;
}

const LocalView::Keyed* LocalView::keyed_page(unsigned long pfn) const {
  for (unsigned i = 0; i < keys_.count(); ++i)
    if (keyed_[i].pfn == pfn) return &keyed_[i];
  return nullptr;
}

void LocalView::open(unsigned long pfn) {
  Keyed* keyed = keyed_page(pfn);
  if (keyed == nullptr) {
    for (unsigned i = 0; i < keys_.count() && keyed == nullptr; ++i) {
      if (!keyed_[turn_].is_open) keyed = &keyed_[turn_];
      turn_ = (turn_ + 1) % keys_.count();
    }
    if (keyed == nullptr)
      return view_.open(pfn, keys_.count() != 0 ? ProtectionKeys::kForAll : View::kNoKey);
    if (keyed->pfn != 0) view_.close(keyed->pfn);
    view_.open(pfn, key_of(keyed));
    keyed->pfn = pfn;
  }
  keyed->is_open = true;
  ProtectionKeys::allow(key_of(keyed));
}

void LocalView::close(unsigned long pfn) {
  Keyed* const keyed = keyed_page(pfn);
  if (keyed == nullptr) return view_.close(pfn);
  keyed->is_open = false;
  ProtectionKeys::deny(key_of(keyed));
}

bool LocalView::is_open(unsigned long pfn) const {
  const Keyed* const keyed = keyed_page(pfn);
  return keyed != nullptr ? keyed->is_open : view_.is_open(pfn);
}

LocalView* LocalView::find(const void* address) {
  LocalView* view = first_.load(std::memory_order_acquire);
  while (view != nullptr && !view->view_.contains(address)) view = view->next_;
  return view;
}

}  // namespace kmapper::linux_face
