/* Makes one call of the library fail, the n-th that it makes: of the system, or for memory.
 *
 * The functions by which the library reaches the system are defined in this program
 * (interposed.c), so the dynamic loader gives the library these instead of libc's. A call is the
 * library's if it returns there; all others pass, uncounted. */
#ifndef KMAPPER_TESTS_INJECTION_H
#define KMAPPER_TESTS_INJECTION_H

#ifdef __cplusplus
extern "C" {
#endif

/* NOLINTBEGIN(readability-identifier-naming,modernize-use-using) */

enum injected_call {
  CALL_OPEN,
  CALL_FOPEN,
  CALL_FCNTL,
  CALL_IOCTL,
  CALL_FSTAT,
  CALL_FSTATFS,
  CALL_MEMFD_CREATE,
  CALL_FTRUNCATE,
  CALL_FALLOCATE,
  CALL_PREAD,
  CALL_PWRITE,
  CALL_FDATASYNC,
  CALL_SYNC_FILE_RANGE,
  CALL_FADVISE,
  CALL_MMAP,
  CALL_MUNMAP,
  CALL_MPROTECT,
  CALL_MADVISE,
  CALL_MSYNC,
  CALL_SIGACTION,
  CALL_PIDFD_OPEN,
  CALL_PROCESS_MADVISE,
  CALL_NEW, /* operator new */
  CALL_COUNT
};

/* Counts from now on, and fails the calls that the plan says. */
struct injection_plan {
  unsigned at; /* the call's place among all, from 1; 0: none fails */
  int error;
  int lasts; /* from then on, all calls of the same kind fail */
};
void injection_begin(const struct injection_plan* plan);
/* Counts no more, and fails nothing. */
void injection_end(void);
/* Goes on from there. */
void injection_resume(void);
/* How many calls were counted, and which. */
unsigned injection_counted(void);
enum injected_call injection_call(unsigned at);
/* Where in the library's code it was made. */
unsigned injection_place(unsigned at);
/* Which call has failed as the plan says; CALL_COUNT: none yet. The calls of two runs of a scenario
 * may differ: what the library finds at home depends on what the kernel happens to map. */
enum injected_call injection_failed(void);

/* Whether an address is in the library's code. */
int injection_is_library(const void* address);
/* For the interposed functions. The error to fail with; 0: none. */
int injection_error(enum injected_call call, const void* caller);

/* NOLINTEND(readability-identifier-naming,modernize-use-using) */

#ifdef __cplusplus
}
#endif

#endif
