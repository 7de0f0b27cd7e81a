// Calls every function of kmapper/kernel.h from C, and checks what it does. Then makes mistakes,
// and checks that each report names the function that made it.
//
// Longer than usual: one short function for each group of calls.
#include "hooks.h"

enum { SLOTS = KMAPPER_MAX_SLOTS, PAGES = SLOTS + 32, MILLISECOND = 1000000, SECOND = 1000000000 };

static struct page* high[PAGES];
static struct page* low;
static uint32_t failures;
static struct page* shared_page;  // for a helper thread

#define CHECK(condition)                                                 \
  do {                                                                   \
    if (!(condition)) {                                                  \
      __atomic_fetch_add(&failures, 1, __ATOMIC_SEQ_CST);                \
      print("calls.c:%u: NOT OK: %s\n", (uint32_t)__LINE__, #condition); \
    }                                                                    \
  } while (0)

static uint32_t tag(const struct page* page) { return page_number(page) * 2654435761u; }

// Maps the page, checks its tag, and unmaps it.
static bool holds_its_tag(struct page* page) {
  const uint32_t* const word = kmapper_kmap(page);
  const bool holds = word && *word == tag(page);
  kmapper_kunmap(page);
  return holds;
}

static bool shows(const void* address, const struct page* page) {
  return address && *(const volatile uint32_t*)address == tag(page);
}

static void make_pages(void) {
  for (uint32_t i = 0; i < PAGES; ++i) {
    high[i] = alloc_page();
    if (!high[i] || !kmapper_port_is_high(high[i])) panic("no high page is left");
    *(uint32_t*)kmapper_kmap_local(high[i]) = tag(high[i]);
    kmapper_kunmap_local(kmapper_port_local_address(kmapper_port_first_local_slot()));
  }
  low = alloc_direct_page();
  *(uint32_t*)page_address(low) = tag(low);
}

static void wait(uint64_t nanoseconds) {
  const uint64_t end = now() + nanoseconds;
  while (now() < end) yield();
}

// --- One page ---

static void one_page(void) {
  struct page* const page = high[0];
  struct kmapper_stats before, after;
  kmapper_get_stats(&before);
  void* const address = kmapper_kmap(page);
  CHECK(shows(address, page));
  CHECK(kmapper_kmap_high(page) == address);
  CHECK(kmapper_try_kmap(page) == address);
  CHECK(kmapper_try_kmap_high(page) == address);
  CHECK(kmapper_kmap_if_mapped(page) == address);
  CHECK(kmapper_find(page) != KMAPPER_NO_SLOT);
  CHECK(kmapper_port_address(kmapper_find(page)) == address);
  void* again = NULL;
  CHECK(kmapper_kmap_for(page, &again, SECOND) == KMAPPER_DONE && again == address);
  kmapper_get_stats(&after);
  CHECK(after.hits == before.hits + 5 && after.misses == before.misses + 1);
  for (int i = 0; i < 3; ++i) kmapper_kunmap(page);
  kmapper_kunmap_high(page);
  kmapper_kunmap_address((char*)address + 100);
  CHECK(kmapper_evict(page) == KMAPPER_PINNED);
  kmapper_kunmap_address((char*)address + PAGE_SIZE - 1);
  CHECK(kmapper_evict(page) == KMAPPER_TAKEN_BACK);
  CHECK(kmapper_evict(page) == KMAPPER_NOT_MAPPED);
  CHECK(kmapper_kmap_if_mapped(page) == NULL);
  CHECK(kmapper_find(page) == KMAPPER_NO_SLOT);
  CHECK(!probe(address).mapped);

  CHECK(kmapper_kmap(low) == page_address(low) && kmapper_try_kmap(low) == page_address(low));
  CHECK(kmapper_kmap_if_mapped(low) == page_address(low));
  CHECK(kmapper_kmap_for(low, &again, 0) == KMAPPER_DONE && again == page_address(low));
  kmapper_kunmap(low);
  kmapper_kunmap_address(page_address(low));
  CHECK(kmapper_evict(low) == KMAPPER_NOT_MAPPED);

  for (int number = KMAPPER_DONE; number <= KMAPPER_NO_MEMORY; ++number)
    CHECK(kmapper_error_text((kmapper_error)number)[0] != 0);
}

// --- A window that is full ---

static void hold_all(void) {
  for (uint32_t i = 0; i < SLOTS; ++i) CHECK(shows(kmapper_kmap(high[i]), high[i]));
}
static void release_all(void) {
  for (uint32_t i = 0; i < SLOTS; ++i) kmapper_kunmap(high[i]);
}

// A page that the main thread holds, and hands over.
static int unmap_soon(void* page) {
  wait(30 * MILLISECOND);
  kmapper_kunmap(page);
  return 0;
}

static int map_last(void* unused) {
  (void)unused;
  const bool right = holds_its_tag(shared_page);  // sleeps
  return right ? 0 : 1;
}

static void full_window(void) {
  hold_all();
  void* address = high;
  CHECK(kmapper_try_kmap(high[SLOTS]) == NULL);
  const uint64_t start_time = now();
  CHECK(kmapper_kmap_for(high[SLOTS], &address, 40 * MILLISECOND) == KMAPPER_TIMED_OUT);
  CHECK(address == NULL && now() - start_time >= 30 * MILLISECOND);
  CHECK(now() - start_time < 2ull * SECOND);
  struct kmapper_page_address two[2] = {{high[SLOTS], NULL}, {high[SLOTS + 1], NULL}};
  CHECK(kmapper_kmap_all(two, 2, 20 * MILLISECOND) ==
        (KMAPPER_CHECKED ? KMAPPER_HOLDS_A_PIN : KMAPPER_TIMED_OUT));

  kmapper_hand_over(high[7]);
  struct thread* const helper = thread_start(unmap_soon, high[7]);
  CHECK(kmapper_kmap_for(high[SLOTS], &address, 20ull * SECOND) == KMAPPER_DONE);
  CHECK(shows(address, high[SLOTS]));
  thread_join(helper);

  shared_page = high[SLOTS + 1];
  struct thread* const sleeper = thread_start(map_last, NULL);
  for (uint32_t tries = 0; tries < 1000 && kmapper_report_waiters(0) == 0; ++tries)
    wait(MILLISECOND);
  CHECK(kmapper_report_waiters(0) == 1);
  CHECK(last_report.is_notice && last_report.page == (uintptr_t)shared_page);
  CHECK(kmapper_report_waiters(SECOND) == 0);  // this port's stamps have no time
  kmapper_kunmap(high[SLOTS]);
  CHECK(thread_join(sleeper) == 0);
  CHECK(shows(kmapper_kmap(high[7]), high[7]));
  release_all();
  struct kmapper_stats stats;
  kmapper_get_stats(&stats);
  CHECK(stats.sleeps >= 3 && stats.longest_sleep_ns >= 30 * MILLISECOND);
}

// --- Several pages ---

enum { GROUP = 4, SLEEPERS = 6, ROUNDS = 200 };

// More threads than the window has room for, each with pages of its own and one that all share.
static int map_groups(void* number) {
  struct kmapper_page_address group[GROUP];
  for (uint32_t i = 0; i < GROUP; ++i)
    group[i] = (struct kmapper_page_address){high[i == 0 ? 0 : (uint32_t)number * GROUP + i], NULL};
  int wrong = 0;
  for (int round = 0; round < ROUNDS; ++round) {
    if (kmapper_kmap_all(group, GROUP, KMAPPER_NO_LIMIT) != KMAPPER_DONE) return 1000;
    yield();
    for (uint32_t i = 0; i < GROUP; ++i) wrong += !shows(group[i].address, group[i].page);
    kmapper_kunmap_all(group, GROUP);
  }
  return wrong;
}

static void several_pages(void) {
  static struct kmapper_page_address all[SLOTS + 1];
  for (uint32_t i = 0; i <= SLOTS; ++i) all[i].page = high[i];
  CHECK(kmapper_kmap_all(all, SLOTS + 1, KMAPPER_NO_LIMIT) == KMAPPER_TOO_LARGE);
  CHECK(kmapper_kmap_all(all, SLOTS, KMAPPER_NO_LIMIT) == KMAPPER_DONE);
  for (uint32_t i = 0; i < SLOTS; ++i) CHECK(shows(all[i].address, high[i]));
  kmapper_kunmap_all(all, SLOTS);

  struct kmapper_reservation rest = {0};
  CHECK(kmapper_reserve(&rest, SLOTS - GROUP - 2, KMAPPER_NO_LIMIT) == KMAPPER_DONE);
  struct kmapper_stats before, after;
  kmapper_get_stats(&before);
  struct thread* sleepers[SLEEPERS];
  for (uint32_t i = 0; i < SLEEPERS; ++i) sleepers[i] = thread_start(map_groups, (void*)i);
  for (uint32_t i = 0; i < SLEEPERS; ++i) CHECK(thread_join(sleepers[i]) == 0);
  kmapper_get_stats(&after);
  CHECK(after.sleeps > before.sleeps);
  kmapper_unreserve(&rest);
  CHECK(rest.left == 0);
}

// A thread that was ended leaves its pins behind. Only a checked build knows which they were.
static int pin_and_end(void* page) {
  CHECK(kmapper_kmap(page) != NULL);
  return (int)kmapper_port_stamp();
}
static void pins_of_the_dead(void) {
  const uint32_t pins = KMAPPER_CHECKED ? 1 : 0;
  const uintptr_t dead = (uintptr_t)thread_join(thread_start(pin_and_end, high[5]));
  CHECK(kmapper_release_pins(dead) == pins);
  CHECK(kmapper_evict(high[5]) == (KMAPPER_CHECKED ? KMAPPER_TAKEN_BACK : KMAPPER_PINNED));
  if (!KMAPPER_CHECKED) kmapper_kunmap(high[5]);
}

static void reservations(void) {
  struct kmapper_reservation two = {0}, much = {0};
  for (uint32_t i = 0; i < 3; ++i) kmapper_evict(high[i]);
  CHECK(kmapper_reserve(&much, SLOTS + 1, SECOND) == KMAPPER_TOO_LARGE);
  CHECK(kmapper_reserve(&two, 2, SECOND) == KMAPPER_DONE && two.left == 2);
  CHECK(kmapper_reserve(&much, SLOTS - 1, 20 * MILLISECOND) == KMAPPER_TIMED_OUT);
  void* address = NULL;
  interrupts_off();
  CHECK(kmapper_kmap_reserved(&two, high[0], &address) == KMAPPER_DONE);
  interrupts_restore();
  CHECK(shows(address, high[0]));
  CHECK(kmapper_kmap_reserved(&two, high[0], &address) == KMAPPER_DONE && two.left == 1);
  CHECK(kmapper_kmap_reserved(&two, high[1], &address) == KMAPPER_DONE && two.left == 0);
  CHECK(shows(address, high[1]));
  CHECK(kmapper_kmap_reserved(&two, high[2], &address) == KMAPPER_SPENT && address == NULL);
  struct kmapper_reservation empty = {0};  // pins what is mapped, and maps nothing else
  CHECK(kmapper_kmap_reserved(&empty, high[0], &address) == KMAPPER_DONE);
  CHECK(shows(address, high[0]));
  kmapper_kunmap(high[0]);
  CHECK(kmapper_kmap_reserved(&empty, high[2], &address) == KMAPPER_SPENT && address == NULL);
  kmapper_kunmap(high[0]);
  kmapper_kunmap(high[0]);
  kmapper_kunmap(high[1]);
  kmapper_unreserve(&two);
  CHECK(kmapper_reserve(&two, 2, SECOND) == KMAPPER_DONE);
  kmapper_unreserve(&two);
  CHECK(kmapper_reserve(&much, SLOTS, SECOND) == KMAPPER_DONE);  // all slots are there again
  kmapper_unreserve(&much);
}

// --- Taking mappings back ---

static void taking_back(void) {
  static struct spinlock lock;
  (void)kmapper_flush_all_zero_pkmaps();
  for (uint32_t i = 0; i < 10; ++i) CHECK(holds_its_tag(high[i]));
  CHECK(kmapper_flush_all_zero_pkmaps() == 10);
  CHECK(kmapper_find(high[3]) == KMAPPER_NO_SLOT);

  void* const address = kmapper_kmap(high[0]);
  CHECK(shows(address, high[0]));
  kmapper_kunmap(high[0]);
  spin_lock(&lock);
  CHECK(kmapper_evict(high[0]) == KMAPPER_FLUSH_OWED);
  CHECK(kmapper_find(high[0]) == KMAPPER_NO_SLOT);
  spin_unlock(&lock);
  kmapper_finish_flushes();
  CHECK(!probe(address).mapped);
  spin_lock(&lock);
  CHECK(kmapper_evict(high[0]) == KMAPPER_NOT_MAPPED);
  kmapper_finish_flushes();  // nothing is due, so this is no mistake
  spin_unlock(&lock);

  for (uint32_t i = 0; i < SLOTS; ++i) CHECK(holds_its_tag(high[i]));
  CHECK(kmapper_scavenge_ahead(20) >= 20);
  struct kmapper_stats before, after;
  kmapper_get_stats(&before);
  for (uint32_t i = 0; i < 20; ++i) CHECK(holds_its_tag(high[SLOTS + i]));
  kmapper_get_stats(&after);
  CHECK(after.misses == before.misses + 20 && after.scavenges == before.scavenges);
  CHECK(after.slots_scavenged >= 20 && after.flushes > 0);
}

static void freeing(void) {
  struct page* const page = alloc_page();
  const void* const address = kmapper_kmap(page);
  CHECK(probe(address).mapped);
  kmapper_kunmap(page);
  free_page(page);
  CHECK(kmapper_find(page) == KMAPPER_NO_SLOT && !probe(address).mapped);
}

static void holders(void) {
  CHECK(kmapper_report_holders(0) == 0);
  (void)kmapper_kmap(high[5]);
  CHECK(kmapper_report_holders(0) == 1);
  CHECK(last_report.is_notice && last_report.page == (uintptr_t)high[5]);
  CHECK(last_report.slot == kmapper_find(high[5]));
  CHECK(last_report.holder == (uintptr_t)current_thread());
  kmapper_kunmap(high[5]);
}

// --- Local mappings ---

static int map_locally_in_turn(void* number) {
  const uint32_t me = (uint32_t)number;
  int wrong = 0;
  for (int round = 0; round < ROUNDS; ++round) {
    void* const mine = kmapper_kmap_local(high[me]);
    void* const next = kmapper_kmap_local(high[me + 1]);
    const uint32_t cpu = cpu_number();
    if (kmapper_may_migrate(&current_thread()->local_stack)) ++wrong;
    yield();
    if (!shows(mine, high[me]) || !shows(next, high[me + 1]) || cpu != cpu_number()) ++wrong;
    if (kmapper_local_depth() != 2) ++wrong;
    kmapper_kunmap_local(next);
    kmapper_kunmap_local(mine);
    if (!kmapper_may_migrate(&current_thread()->local_stack)) ++wrong;
  }
  return wrong;
}

static void map_in_interrupt(void* wrong) {
  void* const address = kmapper_kmap_local(high[2]);
  if (!shows(address, high[2]) || kmapper_local_depth() != 3) *(bool*)wrong = true;
  kmapper_kunmap_local(address);
}

static void local_maps(void) {
  void* const first = kmapper_kmap_local(high[0]);
  void* const second = kmapper_kmap_local(high[1]);
  CHECK(shows(first, high[0]) && shows(second, high[1]) && first != second);
  CHECK(kmapper_kmap_local(low) == page_address(low));
  kmapper_kunmap_local(page_address(low));
  CHECK(kmapper_local_depth() == 2);
  bool wrong = false;
  in_interrupt(map_in_interrupt, &wrong);
  CHECK(!wrong && kmapper_local_depth() == 2);

  static kmapper_local_stack other;
  interrupts_off();
  kmapper_switch_stacks(&current_thread()->local_stack, &other);
  CHECK(!probe(first).mapped && !probe(second).mapped);
  kmapper_switch_stacks(&other, &current_thread()->local_stack);
  interrupts_restore();
  CHECK(shows(first, high[0]) && shows(second, high[1]));
  kmapper_kunmap_local(second);
  kmapper_kunmap_local((char*)first + 17);
  CHECK(kmapper_local_depth() == 0);
  CHECK(!probe(first).mapped);
  kmapper_expect_local_depth(0);
  (void)kmapper_kmap_local(high[0]);
  (void)kmapper_kmap_local(high[1]);
  CHECK(kmapper_unwind_local(0) == 2 && kmapper_local_depth() == 0);

  struct thread* threads[2 * MAX_CPUS];
  const uint32_t count = 2 * cpu_count;
  for (uint32_t i = 0; i < count; ++i) threads[i] = thread_start(map_locally_in_turn, (void*)i);
  for (uint32_t i = 0; i < count; ++i) CHECK(thread_join(threads[i]) == 0);
}

// --- Several pages in a row ---

static void pages_in_a_row(void) {
  kmapper_page pages_of_it[3] = {high[3], low, high[4]};
  void* area = NULL;
  CHECK(kmapper_vmap(pages_of_it, 3, &area) == KMAPPER_DONE);
  for (uint32_t i = 0; i < 3; ++i) CHECK(shows((char*)area + i * PAGE_SIZE, pages_of_it[i]));
  kmapper_vunmap(area);
  kmapper_flush_vmap();
  CHECK(!probe(area).mapped);

  CHECK(kmapper_vmalloc(KMAPPER_MAX_VMAP_PAGES + 1, &area) == KMAPPER_TOO_LARGE && area == NULL);
  CHECK(kmapper_vmalloc(5, &area) == KMAPPER_DONE);
  memset(area, 0x5A, 5 * PAGE_SIZE);
  CHECK(((uint8_t*)area)[5 * PAGE_SIZE - 1] == 0x5A && !probe((char*)area + 5 * PAGE_SIZE).mapped);
  kmapper_vfree(area);
  CHECK(kmapper_free_waiting());
  CHECK(!kmapper_free_waiting());
  CHECK(!probe(area).mapped);
}

// --- Mistakes ---

// A function in a section of its own: the linker knows where it begins and ends. The asm at its end
// keeps its last call from becoming a jump, which has no return address in it.
#define MISTAKE(name)                                           \
  extern const uint8_t __start_in_##name[], __stop_in_##name[]; \
  __attribute__((noinline, section("in_" #name))) static void name(void)
#define END asm volatile("")

static bool begins_with(const char* text, const char* beginning) {
  while (*beginning && *text == *beginning) ++text, ++beginning;
  return *beginning == 0;
}

// Makes the mistake, and checks the report.
#define EXPECT(name, text) expect(name, #name, __start_in_##name, __stop_in_##name, text)

static void expect(void (*mistake)(void), const char* name, const uint8_t* first,
                   const uint8_t* end, const char* text) {
  const uint32_t before = report_count;
  last_report = (struct kmapper_report){.what = "nothing", .advice = ""};
  mistake();
  const uint8_t* const caller = last_report.caller;
  const bool is_reported = report_count == before + 1;
  const bool is_named = caller >= first && caller <= end;
  const bool says_so = is_reported && last_report.advice[0] && begins_with(last_report.what, text);
  if (is_reported && is_named && says_so) return;
  ++failures;
  print("calls.c: NOT OK: %s is reported %u times, as '%s', by %x, which is not in [%x, %x)\n",
        name, report_count - before, last_report.what, (uint32_t)caller, (uint32_t)first,
        (uint32_t)end);
}

static void* wrong_address;
static kmapper_error error;

MISTAKE(kunmap_twice) {
  kmapper_kunmap(high[1]);
  END;
}
MISTAKE(kunmap_high_twice) {
  kmapper_kunmap_high(high[1]);
  END;
}
MISTAKE(kunmap_never_mapped) {
  kmapper_kunmap(high[2]);
  END;
}
MISTAKE(kunmap_foreign_address) {
  kmapper_kunmap_address(wrong_address);
  END;
}
MISTAKE(kunmap_idle_address) {
  kmapper_kunmap_address(kmapper_port_address(kmapper_find(high[1])));
  END;
}
MISTAKE(kunmap_all_twice) {
  const struct kmapper_page_address one = {high[1], NULL};
  kmapper_kunmap_all(&one, 1);
  END;
}
MISTAKE(kmap_with_interrupts_off) {
  interrupts_off();
  wrong_address = kmapper_kmap(high[SLOTS]);
  interrupts_restore();
}
MISTAKE(kmap_for_with_interrupts_off) {
  interrupts_off();
  error = kmapper_kmap_for(high[SLOTS], &wrong_address, SECOND);
  interrupts_restore();
}
MISTAKE(kmap_all_with_pins) {
  struct kmapper_page_address two[2] = {{high[SLOTS], NULL}, {high[SLOTS + 1], NULL}};
  error = kmapper_kmap_all(two, 2, SECOND);
}
MISTAKE(reserve_with_pins) {
  struct kmapper_reservation two = {0};
  error = kmapper_reserve(&two, 2, SECOND);
}
MISTAKE(flush_with_interrupts_off) {
  interrupts_off();
  (void)kmapper_flush_all_zero_pkmaps();
  interrupts_restore();
}
MISTAKE(scavenge_with_interrupts_off) {
  interrupts_off();
  (void)kmapper_scavenge_ahead(SLOTS);
  interrupts_restore();
}
MISTAKE(finish_with_interrupts_off) {
  interrupts_off();
  kmapper_finish_flushes();
  interrupts_restore();
}
MISTAKE(open_again) {
  kmapper_open(16);
  END;
}
MISTAKE(kunmap_local_out_of_order) {
  kmapper_kunmap_local(wrong_address);
  END;
}
MISTAKE(kunmap_local_not_mapped) {
  kmapper_kunmap_local(wrong_address);
  END;
}
MISTAKE(kmap_local_too_deep) {
  wrong_address = kmapper_kmap_local(high[0]);
  END;
}
MISTAKE(vunmap_wrong) {
  kmapper_vunmap(kmapper_port_vmap_address(9));
  END;
}
MISTAKE(vfree_wrong) {
  kmapper_vfree(kmapper_port_vmap_address(9));
  END;
}
MISTAKE(hold_one_page) {
  wrong_address = kmapper_kmap(high[1]);
  END;
}
MISTAKE(map_one_page_locally) {
  wrong_address = kmapper_kmap_local(high[1]);
  END;
}

static int hold_for_others(void* page) {
  (void)kmapper_kmap(page);
  return 0;
}

static void kunmap_mistakes(void) {
  kmapper_evict(high[2]);
  (void)kmapper_kmap(high[1]);
  kmapper_kunmap(high[1]);
  EXPECT(kunmap_twice, "kunmap of a page that nobody holds");
  CHECK(last_report.page == (uintptr_t)high[1] && last_report.slot == kmapper_find(high[1]));
  CHECK(last_report.address == kmapper_port_address(last_report.slot));
  EXPECT(kunmap_high_twice, "kunmap of a page that nobody holds");
  EXPECT(kunmap_idle_address, "kunmap of a page that nobody holds");
  EXPECT(kunmap_all_twice, "kunmap of a page that nobody holds");
  EXPECT(kunmap_never_mapped, "kunmap of a page that is not mapped");
  wrong_address = (void*)(WINDOW - PAGE_SIZE);
  EXPECT(kunmap_foreign_address, "kunmap of an address that no kmap returned");
  CHECK(last_report.address == wrong_address);
  CHECK(holds_its_tag(high[1]) && holds_its_tag(high[2]));

  if (!KMAPPER_CHECKED) return;
  thread_join(thread_start(hold_for_others, high[1]));
  EXPECT(kunmap_twice, "kunmap of a page that only others hold");
  CHECK(kmapper_evict(high[1]) == KMAPPER_PINNED);
}

static void waiting_mistakes(void) {
  const uint32_t held = KMAPPER_CHECKED ? 1 : 0;  // by kunmap_mistakes(): the page is high[1]
  hold_all();
  EXPECT(kmap_with_interrupts_off, "kmap where the caller may not sleep");
  CHECK(wrong_address == NULL && last_report.page == (uintptr_t)high[SLOTS]);
  EXPECT(kmap_for_with_interrupts_off, "kmap where the caller may not sleep");
  CHECK(error == KMAPPER_WOULD_SLEEP);
  if (KMAPPER_CHECKED) {
    EXPECT(kmap_all_with_pins, "reserve while its caller holds a mapping");
    CHECK(error == KMAPPER_HOLDS_A_PIN);
    EXPECT(reserve_with_pins, "reserve while its caller holds a mapping");
    CHECK(error == KMAPPER_HOLDS_A_PIN);
  } else {  // these two are not reported
    interrupts_off();
    kmap_all_with_pins();
    CHECK(error == KMAPPER_WOULD_SLEEP);
    reserve_with_pins();
    CHECK(error == KMAPPER_WOULD_SLEEP);
    interrupts_restore();
  }
  release_all();
  EXPECT(flush_with_interrupts_off, "a flush where the caller may not wait");
  EXPECT(scavenge_with_interrupts_off, "a flush where the caller may not wait");
  CHECK(holds_its_tag(high[4]));
  interrupts_off();
  (void)kmapper_evict(high[4]);
  interrupts_restore();
  EXPECT(finish_with_interrupts_off, "a flush where the caller may not wait");
  kmapper_finish_flushes();
  EXPECT(open_again, "open with no slots, with too many, or a second time");

  if (!KMAPPER_CHECKED) return;
  hold_one_page();
  CHECK(kmapper_report_holders(0) == held + 1);
  kmapper_kunmap(high[1]);
}

static void local_mistakes(void) {
  void* const first = wrong_address = kmapper_kmap_local(high[0]);
  map_one_page_locally();
  void* const second = wrong_address;
  wrong_address = first;
  EXPECT(kunmap_local_out_of_order, "kunmap_local out of order");
  CHECK((const uint8_t*)last_report.mapped_at >= __start_in_map_one_page_locally &&
        (const uint8_t*)last_report.mapped_at <= __stop_in_map_one_page_locally);
  CHECK(kmapper_local_depth() == 2 && shows(second, high[1]));
  kmapper_expect_local_depth(1);
  CHECK(last_report.page == (uintptr_t)high[1] && last_report.address == second);
  kmapper_kunmap_local(first);
  EXPECT(kunmap_local_not_mapped, "kunmap_local of an address that the caller does not hold");
  void* deep[KMAPPER_LOCAL_DEPTH];
  for (uint32_t i = 0; i < KMAPPER_LOCAL_DEPTH; ++i) deep[i] = kmapper_kmap_local(high[i]);
  EXPECT(kmap_local_too_deep, "kmap_local too deep");
  CHECK(wrong_address == NULL);
  for (uint32_t i = KMAPPER_LOCAL_DEPTH; i-- > 0;) {
    CHECK(shows(deep[i], high[i]));
    kmapper_kunmap_local(deep[i]);
  }
  CHECK(kmapper_local_depth() == 0);
}

// --- The job ---

static void free_all(void) {
  for (uint32_t i = 0; i < PAGES; ++i)
    if (kmapper_evict(high[i]) != KMAPPER_PINNED) free_page(high[i]);
  free_page(low);
}

void test_threads(void) {
  reports_are_silent = true;
  share_vmap_table();
  kmapper_open_vmap(KMAPPER_MAX_VMAP_PAGES);
  make_pages();
  static const struct {
    const char* name;
    void (*function)(void);
  } parts[] = {
      {"one page", one_page},
      {"a full window", full_window},
      {"several pages", several_pages},
      {"reservations", reservations},
      {"pins of the dead", pins_of_the_dead},
      {"taking back", taking_back},
      {"freeing", freeing},
      {"holders", holders},
      {"local maps", local_maps},
      {"pages in a row", pages_in_a_row},
  };
  for (uint32_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
    print("%s\n", parts[i].name);
    parts[i].function();
  }
  print("mistakes\n");
  kunmap_mistakes();
  waiting_mistakes();
  local_mistakes();
  EXPECT(vunmap_wrong, "vunmap of an address where no area begins");
  EXPECT(vfree_wrong, "vfree of an address where no area of vmalloc begins");
  free_all();
  print(failures == 0 ? "PASS\n" : "FAIL\n");
  power_off(failures == 0 ? 0 : 1);
}

void run_processes(void) {}
void fill_memory(void) {}
