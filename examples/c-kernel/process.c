// Processes: a thread that runs a program in ring 3, in an address space of its own.
#include "kernel.h"
#include "kmapper/kernel.h"

enum { USER_PAGE = PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER };

extern const uint8_t user_program[], user_program_end[];
_Noreturn void enter_user(uint32_t address, uint32_t stack);

// Notes that the process has this page, if there is one.
static struct page* own(struct process* process, struct page* page) {
  if (!page) return NULL;
  page->next = process->pages;
  process->pages = page;
  return page;
}

// An empty page table or directory.
static uint32_t* take_table(struct process* process) {
  struct page* const page = own(process, alloc_direct_page());
  return page ? memset(page_address(page), 0, PAGE_SIZE) : NULL;
}

static bool map_page(struct process* process, uint32_t address, const struct page* page) {
  uint32_t* const entry = &process->directory[address >> 22];
  if (!*entry) {
    const uint32_t* const table = take_table(process);
    if (!table) return false;
    *entry = ((uint32_t)table - KERNEL_BASE) | USER_PAGE;
  }
  uint32_t* const table = (uint32_t*)(KERNEL_BASE + (*entry & ~(PAGE_SIZE - 1u)));
  table[address / PAGE_SIZE % 1024] = page_physical(page) | USER_PAGE;
  return true;
}

// Adds one page at the end of the process's memory: these bytes, then zeros. Only here does the
// kernel itself touch what is in a process's page.
static bool add_page(struct process* process, const void* bytes, uint32_t size) {
  struct page* const page = own(process, alloc_page());
  if (!page) return false;
  uint8_t* const at = kmapper_kmap_local(page);
  memcpy(at, bytes, size);
  memset(at + size, 0, PAGE_SIZE - size);
  kmapper_kunmap_local(at);
  if (!map_page(process, process->end, page)) return false;
  process->end += PAGE_SIZE;
  return true;
}

// From now on, the scheduler loads this directory for the calling thread.
static void use_directory(struct process* process, uint32_t* directory) {
  interrupts_off();  // a switch between the two steps would see only one of them
  process->directory = directory;
  load_directory(directory ? directory : kernel_directory);
  interrupts_restore();
}

static bool load_program(struct process* process) {
  if (!add_page(process, NULL, 0)) return false;  // the stack
  for (const uint8_t* at = user_program; at < user_program_end; at += PAGE_SIZE) {
    const uint32_t left = (uint32_t)(user_program_end - at);
    if (!add_page(process, at, left < PAGE_SIZE ? left : PAGE_SIZE)) return false;
  }
  return true;
}

static int run(void* unused) {
  (void)unused;
  struct process* const process = &current_thread()->process;
  uint32_t* const directory = take_table(process);
  if (!directory) return -1;
  share_kernel_part(directory);
  process->end = USER_STACK;
  use_directory(process, directory);
  if (!load_program(process)) process_exit(-1);
  enter_user(USER_IMAGE, USER_IMAGE);
}

struct thread* process_start(void) {
  return thread_start(run, NULL);
}

void process_exit(int result) {
  struct process* const process = &current_thread()->process;
  use_directory(process, NULL);  // no CPU uses the page tables any more
  while (process->pages) {
    struct page* const page = process->pages;
    process->pages = page->next;
    free_page(page);
  }
  thread_exit(result);
}

static uint32_t grow(struct process* process, uint32_t pages) {
  const uint32_t first = process->end;
  if (pages > (KERNEL_BASE - first) / PAGE_SIZE) return (uint32_t)-1;
  while (pages--)
    if (!add_page(process, NULL, 0)) return (uint32_t)-1;
  return first;
}

uint32_t system_call(const struct trap_frame* frame) {
  struct process* const process = &current_thread()->process;
  const uint32_t start = frame->ebx, length = frame->ecx;
  switch (frame->eax) {
    case SYSCALL_EXIT:
      process_exit((int)frame->ebx);
    case SYSCALL_GROW:
      return grow(process, frame->ebx);
    case SYSCALL_WRITE:  // all of a process's memory is mapped
      if (start < USER_STACK || start > process->end || length > process->end - start) break;
      console_write((const char*)start, length);
      return 0;
  }
  return (uint32_t)-1;
}
