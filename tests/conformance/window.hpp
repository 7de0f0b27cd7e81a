// The window's page table, and the TLB of the CPU that changes it. The core does only write_pte(),
// take_pte() and invalidate() to a slot. A mistake in them shows only in what is read through the
// slot's next page.
#pragma once

#include "conformance/check.hpp"

namespace kmapper::conformance {

template <Rig R>
Verdict slots_show_their_pages(Subject<R>& it) {
  const uint32_t slots = it.slots();
  it.map_with_tags(slots);
  Verdict verdict = passed();
  for (uint32_t i = 0; i < slots && !has_failed(verdict); ++i) {
    const Seen seen = it.rig.read(it.address(i));
    if (!seen.mapped) {
      verdict = failed("slot # maps nothing: write_pte() did not reach the page table", i);
    } else if (seen.value != it.tag(i)) {
      verdict = failed("slot # shows another page's bytes", i);
    }
  }
  it.unmap(0, slots);
  return verdict;
}

/// Two slots may show one page: this proves that a slot shows the page, and not memory of its own.
template <Rig R>
Verdict a_page_is_the_same_in_every_slot(Subject<R>& it) {
  it.map(0, 0);
  it.map(1, 0);
  it.rig.write(it.address(0), 1);
  it.rig.write(it.address(1), 2);
  const bool same = it.rig.read(it.address(0)).value == 2;
  it.unmap(0, 2);
  return same ? passed()
              : failed("what one slot writes, another slot of the same page does not show");
}

template <Rig R>
Verdict a_taken_slot_maps_nothing(Subject<R>& it) {
  if (!R::kSurvivesFaults) return skipped("the rig does not survive a fault");
  it.map(0, 0);
  (void)it.rig.read(it.address(0));
  it.unmap(0, 1);
  if (it.rig.read(it.address(0)).mapped)
    return failed("after take_pte() and invalidate() the slot still maps a page");
  return passed();
}

/// Whether take_pte() says that an unused slot was not used, if it may say so. A CPU may walk a
/// page table speculatively, so the check tries more than once.
template <Rig R>
bool tells_unused_slots(Subject<R>& it) {
  bool said_no = false;
  for (int i = 0; i < 100 && !said_no; ++i) {
    it.map(0, 0);
    said_no = !it.take(0);
    it.flush(0, 1);
  }
  return said_no;
}

template <Rig R>
Verdict a_used_slot_is_known(Subject<R>& it) {
  it.map(0, 0);
  (void)it.rig.read(it.address(0));
  const bool after_read = it.take(0);
  it.flush(0, 1);
  it.map(0, 0);
  it.rig.write(it.address(0), 0);
  const bool after_write = it.take(0);
  it.flush(0, 1);
  if (!after_read || !after_write)
    return failed("take_pte() says that a used slot was not used: no flush would follow");
  const bool said_no = tells_unused_slots(it);
  if (R::Platform::kHardwareSetsAccessed) {
    return said_no ? passed()
                   : failed(
                         "take_pte() never says that a slot was not used: each costs a flush; "
                         "does write_pte() set Accessed?");
  }
  return said_no ? failed(
                       "take_pte() says that a slot was not used, but no hardware can tell: "
                       "without kHardwareSetsAccessed it must return true")
                 : passed();
}

template <Rig R>
Verdict one_slots_use_is_not_anothers(Subject<R>& it) {
  if (!R::Platform::kHardwareSetsAccessed) return skipped("the hardware sets no Accessed bit");
  bool other_unused = false;
  for (int i = 0; i < 100; ++i) {
    it.map(0, 0);
    it.map(1, 1);
    (void)it.rig.read(it.address(0));
    const bool used = it.take(0);
    other_unused = !it.take(1) || other_unused;
    it.flush(0, 2);
    if (!used) return failed("take_pte() says that a used slot was not used");
  }
  return other_unused ? passed() : failed("using a slot marks another slot as used");
}

/// Each slot except the middle one gets another page than it had.
template <Rig R>
Verdict flush_in_batches_of(Subject<R>& it, uint32_t size) {
  const uint32_t slots = it.slots();
  Verdict verdict = passed();
  it.map_with_tags(slots);  // each page has its tag
  for (uint32_t i = 0; i < slots; ++i) (void)it.take(i);
  for (uint32_t i = 0; i < slots; i += size) it.flush(i, slots - i < size ? slots - i : size);
  for (uint32_t i = 0; i < slots; ++i) it.map(i, slots - 1 - i);
  for (uint32_t i = 0; i < slots && !has_failed(verdict); ++i) {
    if (it.shows(it.address(i), slots - 1 - i)) continue;
    verdict =
        it.shows(it.address(i), i)
            ? failed(
                  "slot # still shows its last page after a batch of #: invalidate() left "
                  "a translation in this CPU's TLB",
                  i % size, size)
            : failed("slot # shows a page that it never had, after a batch of #", i % size, size);
  }
  it.unmap(0, slots);
  return verdict;
}

template <Rig R>
Verdict one_slot_is_flushed(Subject<R>& it) {
  it.map_with_tags(2);
  it.unmap(0, 1);
  it.map(0, 1);
  const bool stale = it.shows(it.address(0), 0);
  const bool right = it.shows(it.address(0), 1);
  it.unmap(0, 2);
  if (stale) return failed("the slot still shows its last page: invalidate() flushed nothing");
  return right ? passed() : failed("the slot does not show its new page");
}

template <Rig R>
Verdict batches_of_all_sizes_are_flushed(Subject<R>& it) {
  constexpr uint32_t kSizes[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, kLargestBatch};
  for (const uint32_t size : kSizes) {
    if (size > it.slots()) break;
    const Verdict verdict = flush_in_batches_of(it, size);
    if (has_failed(verdict)) return verdict;
  }
  return passed();
}

/// If take_pte() says "not used", there is no flush: so it must not say so if a TLB may hold the
/// slot.
template <Rig R>
Verdict an_unused_slot_needs_no_flush(Subject<R>& it) {
  if (!R::Platform::kHardwareSetsAccessed) return skipped("the hardware sets no Accessed bit");
  it.map_with_tags(2);
  it.unmap(0, 2);
  for (int i = 0; i < 100; ++i) {
    it.map(0, 0);
    if (it.take(0)) {
      it.flush(0, 1);
      continue;
    }
    it.map(0, 1);
    const bool right = it.shows(it.address(0), 1);
    it.unmap(0, 1);
    if (!right) return failed("a slot that take_pte() calls unused shows its last page");
  }
  return passed();
}

template <Rig R>
inline constexpr Check<R> kMappingChecks[] = {
    {"write_pte: each slot shows its page", &slots_show_their_pages<R>},
};
template <Rig R>
inline constexpr Check<R> kWindowChecks[] = {
    {name_of_flush<R>("invalidate: a slot forgets its last page",
                      "drop, call: a slot forgets its last page"),
     &one_slot_is_flushed<R>},
    {"write_pte: a page is the same in every slot", &a_page_is_the_same_in_every_slot<R>},
    {"take_pte: it says whether the slot was used", &a_used_slot_is_known<R>},
    {"take_pte: each slot has its own Accessed bit", &one_slots_use_is_not_anothers<R>},
    {"take_pte: a taken slot maps nothing", &a_taken_slot_maps_nothing<R>,
     "whether take_pte() empties the entry, or only reads it: a use after kunmap would not fault"},
    {name_of_flush<R>("invalidate: every slot of a batch forgets its last page",
                      "drop, call: every slot of a batch forgets its last page"),
     &batches_of_all_sizes_are_flushed<R>},
    {"take_pte: a slot that was not used needs no flush", &an_unused_slot_needs_no_flush<R>},
};

}  // namespace kmapper::conformance
