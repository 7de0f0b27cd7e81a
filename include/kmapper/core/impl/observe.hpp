// Opening the window, and inspecting it.
#pragma once

#include "kmapper/core/mapper.hpp"

namespace kmapper {

template <class P>
KMAPPER_REPORTS_ITS_CALLER void Mapper<P>::open(uint32_t slots) {
  if (slots == 0 || slots > P::kMaxSlots || slot_count_ != 0) {
    platform_.report(MisuseReport<P>{Misuse::wrong_open,
                                     Page{},
                                     kNoSlot,
                                     {},
                                     nullptr,
                                     __builtin_return_address(0),
                                     nullptr,
                                     slots,
                                     static_cast<uint32_t>(P::kMaxSlots)});
    return;
  }
  slot_count_ = slots;
  most_behind_ = slots / 16 + 1;
  if constexpr (kRemembers<P>) {
    shares_.ghost.open(slots);
    shares_.wanted.store(slots / 10, memory_order_relaxed);
  }
  // Relaxed, here and below: no other thread uses the window yet.
  slots_[0].word.store(word::kSentinel<Word>, memory_order_relaxed);
  bring_into_use(kTablesOutside<P> ? kBroughtIntoUse : slots);
  // CPUs start at different places, so that they take slots from different leaves.
  for (uint32_t cpu = 0; cpu < P::kMaxCpus; ++cpu) {
    cpus_[cpu].leaf.store(static_cast<uint32_t>(cpu * clean_.leaves() / P::kMaxCpus),
                          memory_order_relaxed);
  }
}

template <class P>
auto Mapper<P>::inspect(SlotIndex index) const -> SlotView {
  if (to_number(index) >= slots_in_use()) return {};
  const Slot& slot = slots_[to_number(index) + 1];
  // Acquire: pairs with publish(), so that the page belongs to the word.
  const Word word = slot.word.load(memory_order_acquire);
  return {word, slot.page.load(memory_order_relaxed), slot.holder.load(memory_order_relaxed)};
}

template <class P>
SlotIndex Mapper<P>::find(Page page) {
  if (!platform_.is_high(page)) return kNoSlot;
  // Acquire: pairs with claim(). A caller that finds no slot comes after the slot was taken back,
  // and may go on to finish_flushes().
  const Word found = load_surely(page, memory_order_acquire);
  return page_virtual::has_slot(found) ? page_virtual::slot(found) : kNoSlot;
}

template <class P>
Stats Mapper<P>::stats() {
  queue_lock_.lock();
  const uint64_t longest = longest_sleep_ns_;
  queue_lock_.unlock();
  return {platform_.counted(Event::hit),      platform_.counted(Event::miss),
          platform_.counted(Event::scavenge), platform_.counted(Event::slot_scavenged),
          platform_.counted(Event::flush),    platform_.counted(Event::flush_avoided),
          platform_.counted(Event::sleep),    longest};
}

template <class P>
uint32_t Mapper<P>::generation_of(const void* address) const {
  if (platform_.is_direct(address)) return 0;
  return word::generation(inspect(slot_of_address(address)).word);
}

template <class P>
uint32_t Mapper<P>::report_holders(uint64_t nanoseconds) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < slots_in_use(); ++i) {
    const SlotIndex slot{i};
    const SlotView view = inspect(slot);
    if (!word::is_pinned(view.word)) continue;
    const auto tell = [&](Stamp holder, const void* caller) {
      if (platform_.age_ns(holder) < nanoseconds) return;
      platform_.report(MisuseReport<P>{Misuse::held_too_long, view.page, slot, holder,
                                       platform_.address(slot), caller});
      ++found;
    };
    if constexpr (P::kChecked) {
      ledger_.for_each(slot, [&](const auto& record) { tell(record.holder, record.caller); });
    } else {
      tell(view.holder, nullptr);
    }
  }
  return found;
}

template <class P>
uint32_t Mapper<P>::report_waiters(uint64_t nanoseconds) {
  uint32_t found = 0;
  queue_lock_.lock();
  for (const Waiter* it = first_waiter_; it != nullptr; it = it->next) {
    if (platform_.age_ns(it->since) < nanoseconds) continue;
    platform_.report(MisuseReport<P>{Misuse::waiting_too_long, it->page, kNoSlot, it->since,
                                     nullptr, it->caller});
    ++found;
  }
  queue_lock_.unlock();
  return found;
}

template <class P>
template <class Predicate>
uint32_t Mapper<P>::release_pins(Predicate died) {
  uint32_t released = 0;
  for (uint32_t i = 0; i < slots_in_use(); ++i) {
    const SlotView view = inspect(SlotIndex{i});
    if (!word::is_pinned(view.word)) continue;
    uint32_t pins = ledger_.remove_all(SlotIndex{i}, died);
    for (released += pins; pins != 0; --pins) drop_user(offset_of(i + 1), view.page);
  }
  return released;
}

}  // namespace kmapper
