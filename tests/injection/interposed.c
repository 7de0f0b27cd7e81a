/* The system's functions, as the library meets them. In C: their declarations in libc's headers
 * say noexcept or not as it suits libc, and C does not mind. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "injection.h"

enum { most_calls = 1 << 16 };

static struct {
  int counts;
  struct injection_plan plan;
  enum injected_call failing; /* what lasts; CALL_COUNT: nothing yet */
  unsigned made;
  unsigned char calls[most_calls];
  unsigned places[most_calls];
} state = {.failing = CALL_COUNT};

static struct { const char *begin, *end; } library;

static int find_library(struct dl_phdr_info* object, size_t size, void* unused) {
  (void)size;
  (void)unused;
  if (strstr(object->dlpi_name, "libkmapper.so") == NULL) return 0;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)* const part = &object->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0) continue;
    library.begin = (const char*)(object->dlpi_addr + part->p_vaddr);
    library.end = library.begin + part->p_memsz;
  }
  return 1;
}

__attribute__((constructor)) static void begin(void) {
  dl_iterate_phdr(find_library, NULL);
  if (library.begin == NULL) {
    static const char text[] = "injection: the program is not linked with libkmapper.so\n";
    if (write(2, text, sizeof text - 1) < 0) abort();
    abort();
  }
}

void injection_begin(const struct injection_plan* plan) {
  state.plan = *plan;
  state.failing = CALL_COUNT;
  state.made = 0;
  state.counts = 1;
}

void injection_end(void) { state.counts = 0; }

void injection_resume(void) { state.counts = 1; }

unsigned injection_counted(void) { return state.made; }

enum injected_call injection_call(unsigned at) { return (enum injected_call)state.calls[at - 1]; }

unsigned injection_place(unsigned at) { return state.places[at - 1]; }

enum injected_call injection_failed(void) { return state.failing; }

int injection_is_library(const void* address) {
  return (const char*)address >= library.begin && (const char*)address < library.end;
}

int injection_error(enum injected_call call, const void* caller) {
  if (!state.counts || !injection_is_library(caller)) return 0;
  if (state.made == most_calls) abort();
  state.calls[state.made] = (unsigned char)call;
  state.places[state.made] = (unsigned)((const char*)caller - library.begin);
  if (++state.made == state.plan.at) {
    state.failing = call;
    return state.plan.error;
  }
  return state.plan.lasts && call == state.failing ? state.plan.error : 0;
}

#define CALLER __builtin_return_address(0)

/* The function of that name behind this one. */
#define REAL(name) ((__typeof__(&(name)))real(#name))

static void* real(const char* name) {
  void* const found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}

/* 1: the call fails, with errno set. */
static int fails(enum injected_call call, const void* caller) {
  const int error = injection_error(call, caller);
  if (error != 0) errno = error;
  return error != 0;
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? (mode_t)va_arg(more, int) : 0;
  va_end(more);
  return fails(CALL_OPEN, CALLER) ? -1 : REAL(open64)(path, flags, mode);
}

FILE* fopen64(const char* path, const char* mode) {
  return fails(CALL_FOPEN, CALLER) ? NULL : REAL(fopen64)(path, mode);
}

int fcntl64(int descriptor, int command, ...) {
  va_list more;
  va_start(more, command);
  void* const argument = va_arg(more, void*);
  va_end(more);
  return fails(CALL_FCNTL, CALLER) ? -1 : REAL(fcntl64)(descriptor, command, argument);
}

int ioctl(int descriptor, unsigned long request, ...) {
  va_list more;
  va_start(more, request);
  void* const argument = va_arg(more, void*);
  va_end(more);
  return fails(CALL_IOCTL, CALLER) ? -1 : REAL(ioctl)(descriptor, request, argument);
}

int fstat64(int descriptor, struct stat64* status) {
  return fails(CALL_FSTAT, CALLER) ? -1 : REAL(fstat64)(descriptor, status);
}

int fstatfs64(int descriptor, struct statfs64* status) {
  return fails(CALL_FSTATFS, CALLER) ? -1 : REAL(fstatfs64)(descriptor, status);
}

int memfd_create(const char* name, unsigned flags) {
  return fails(CALL_MEMFD_CREATE, CALLER) ? -1 : REAL(memfd_create)(name, flags);
}

int ftruncate64(int descriptor, off64_t size) {
  return fails(CALL_FTRUNCATE, CALLER) ? -1 : REAL(ftruncate64)(descriptor, size);
}

int fallocate64(int descriptor, int mode, off64_t offset, off64_t length) {
  if (fails(CALL_FALLOCATE, CALLER)) return -1;
  return REAL(fallocate64)(descriptor, mode, offset, length);
}

ssize_t pread64(int descriptor, void* bytes, size_t size, off64_t offset) {
  return fails(CALL_PREAD, CALLER) ? -1 : REAL(pread64)(descriptor, bytes, size, offset);
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t offset) {
  return fails(CALL_PWRITE, CALLER) ? -1 : REAL(pwrite64)(descriptor, bytes, size, offset);
}

int fdatasync(int descriptor) {
  return fails(CALL_FDATASYNC, CALLER) ? -1 : REAL(fdatasync)(descriptor);
}

int sync_file_range(int descriptor, off64_t offset, off64_t length, unsigned flags) {
  if (fails(CALL_SYNC_FILE_RANGE, CALLER)) return -1;
  return REAL(sync_file_range)(descriptor, offset, length, flags);
}

int posix_fadvise64(int descriptor, off64_t offset, off64_t length, int advice) {
  const int error = injection_error(CALL_FADVISE, CALLER);
  return error != 0 ? error : REAL(posix_fadvise64)(descriptor, offset, length, advice);
}

void* mmap64(void* address, size_t size, int protection, int flags, int descriptor,
             off64_t offset) {
  if (!fails(CALL_MMAP, CALLER))
    return REAL(mmap64)(address, size, protection, flags, descriptor, offset);
  /* Kernels before 6.12 may have unmapped what was there when they find that they cannot. */
  if ((flags & MAP_FIXED) != 0 && errno == ENOMEM) {
    REAL(munmap)(address, size);
    errno = ENOMEM;
  }
  return MAP_FAILED;
}

int munmap(void* address, size_t size) {
  return fails(CALL_MUNMAP, CALLER) ? -1 : REAL(munmap)(address, size);
}

int mprotect(void* address, size_t size, int protection) {
  return fails(CALL_MPROTECT, CALLER) ? -1 : REAL(mprotect)(address, size, protection);
}

int madvise(void* address, size_t size, int advice) {
  return fails(CALL_MADVISE, CALLER) ? -1 : REAL(madvise)(address, size, advice);
}

int msync(void* address, size_t size, int flags) {
  return fails(CALL_MSYNC, CALLER) ? -1 : REAL(msync)(address, size, flags);
}

int sigaction(int number, const struct sigaction* action, struct sigaction* old) {
  return fails(CALL_SIGACTION, CALLER) ? -1 : REAL(sigaction)(number, action, old);
}

static enum injected_call named_by(long number) {
  switch (number) {
    case SYS_pidfd_open:
      return CALL_PIDFD_OPEN;
    case SYS_process_madvise:
      return CALL_PROCESS_MADVISE;
    default:
      return CALL_MMAP; /* in the handler for SIGBUS */
  }
}

long syscall(long number, ...) {
  va_list more;
  va_start(more, number);
  long argument[6];
  for (int i = 0; i < 6; ++i) argument[i] = va_arg(more, long);
  va_end(more);
  /* futex() asks whether a page can be read: an EAGAIN would be a yes. */
  if (number != SYS_futex && fails(named_by(number), CALLER)) return -1;
  return REAL(syscall)(number, argument[0], argument[1], argument[2], argument[3], argument[4],
                       argument[5]);
}
