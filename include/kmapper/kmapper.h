/* The window in a Linux process, for C (C99 and later) and for whoever calls C. What it does, and
 * why, stands in kmapper/process/process.hpp, cursor.hpp and high_memory.hpp, which this is the C
 * face of.
 *
 *     kmapper_budget *budget;
 *     kmapper_window *window;
 *     kmapper_mapping mapping;
 *     kmapper_options options = {.size = sizeof options, .bytes = 64 << 20};
 *     if (kmapper_budget_create(&options, &budget) != 0 ||
 *         kmapper_window_open("data.bin", KMAPPER_READ_ONLY, budget, &window) != 0 ||
 *         kmapper_window_map(window, offset, 4096, &mapping) != 0)
 *       return fprintf(stderr, "%s\n", kmapper_last_message());
 *     use(mapping.data, mapping.length);
 *     kmapper_mapping_release(&mapping);
 *
 * The ABI stays as it is: handles are opaque; numbers of errors and options are never given to
 * something else; a structure that a program and the library share begins with its size as the
 * program knows it, is only ever added to at its end, and zeros in it mean what was so before. So a
 * program works with a library that is newer; with an older one, too, unless it asks for what that
 * has not got. A kmapper_mapping is the one that is not added to: it is the program's own memory,
 * so that a hit allocates nothing.
 *
 * A call that may fail returns 0, or why not: one of the system's errno numbers, which are above 0,
 * or one of kmapper_status, below. What it was asked to fill in is then NULL or zeros, and
 * kmapper_last_message() says more. No call throws, or ends the process. A NULL is
 * KMAPPER_INVALID_OPTION, and the message names the argument, where a path, a handle or a structure
 * is needed; calls that return a number of bytes or granules return that number, which is below 0,
 * and kmapper_cursor_at() returns NULL. What destroys, closes, cancels or releases does nothing
 * with NULL. Errors may be asked for at any time, in destructors and atexit handlers, too. Any
 * thread may make any call at any time, but for what is said with it; none is for signal handlers
 * but kmapper_handle_sigbus(), nor for threads that are cancelled by pthread_cancel() in one.
 * Sizes, offsets and lengths are in bytes.
 *
 * Longer than usual: a C program includes one header.
 */
#ifndef KMAPPER_KMAPPER_H
#define KMAPPER_KMAPPER_H

/* NOLINTBEGIN(readability-identifier-naming,modernize-use-using,modernize-deprecated-headers) */

#include <stddef.h>
#include <stdint.h>

#include "kmapper/export.h"
#include "kmapper/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- Errors --- */

typedef enum kmapper_status {
  KMAPPER_OK = 0,
  KMAPPER_WOULD_SLEEP = -1,      /* everything is pinned, and the caller would not wait */
  KMAPPER_TIMED_OUT = -2,        /* nothing was unpinned in time */
  KMAPPER_CANCELLED = -3,        /* kmapper_cancellation_cancel() was called */
  KMAPPER_TOO_MANY_USERS = -4,   /* 16,383 users hold the granule, and no more can */
  KMAPPER_TOO_LARGE = -5,        /* longer than what the budget can map at once */
  KMAPPER_INVALID_RANGE = -6,    /* a negative offset, a length below 1, or no allocated page */
  KMAPPER_BEYOND_END = -7,       /* behind the end of the file */
  KMAPPER_PINNED = -8,           /* somebody holds a mapping of it */
  KMAPPER_READ_ONLY_WINDOW = -9, /* a write to a window that was opened for reading */
  KMAPPER_INVALID_OPTION =
      -10, /* a NULL, or an option that this machine, file or library does not allow */
  KMAPPER_CUT_SHORT = -11,     /* the file has become shorter than what is mapped of it */
  KMAPPER_FORKED = -12,        /* the window is the parent process's */
  KMAPPER_BUSY = -13,          /* more calls at once than the window keeps record of */
  KMAPPER_SPENT = -14,         /* the reservation has nothing left */
  KMAPPER_WOULD_DEADLOCK = -15 /* all threads sleep for mappings; none is left to release one */
} kmapper_status;

/* What an error number means, in a few words. Good until the thread's next call of this. */
KMAPPER_API const char* kmapper_strerror(int error);

/* About the call of this thread that failed last. */
KMAPPER_API int kmapper_last_error(void);
/* One line that names the file, the range, what was wrong and the limit. Good until the thread's
 * next call of this. */
KMAPPER_API const char* kmapper_last_message(void);
KMAPPER_API int64_t kmapper_last_offset(void);
KMAPPER_API int64_t kmapper_last_length(void);
/* What the message speaks of, as the file's size; 0: nothing. */
KMAPPER_API int64_t kmapper_last_limit(void);

/* --- A budget: address space, and the right to fill it, for any number of windows --- */

typedef struct kmapper_budget kmapper_budget;

/* Where a granule gets its addresses; see Placement in process.hpp. Copies are for windows that are
 * opened for reading, and as old as they are; a write to one is not refused, unless the budget is
 * strict, but changes what other holders of the granule see. */
enum {
  KMAPPER_PLACEMENT_AUTOMATIC = 0,
  KMAPPER_PLACEMENT_SLOTS = 1,
  KMAPPER_PLACEMENT_HOME = 2,
  KMAPPER_PLACEMENT_COPIES = 3
};

/* What a core dump has of the files; see CoreDump in process.hpp: what is in slots; nothing; all,
 * with files that are at home as a whole. */
enum {
  KMAPPER_CORE_DUMP_SLOTS = 0,
  KMAPPER_CORE_DUMP_NOTHING = 1,
  KMAPPER_CORE_DUMP_EVERYTHING = 2
};

/* What happens when a map has slept for a second: a report on standard error, nothing, or (without
 * a deadline) KMAPPER_TIMED_OUT; see OnLongWait in process.hpp. */
enum {
  KMAPPER_ON_LONG_WAIT_REPORT = 0,
  KMAPPER_ON_LONG_WAIT_QUIET = 1,
  KMAPPER_ON_LONG_WAIT_ERROR = 2
};

/* What a budget is spent on. A 0 leaves the choice to the library. */
typedef struct kmapper_options {
  uint64_t size;      /* sizeof(kmapper_options) */
  int64_t bytes;      /* the most that may be mapped at any moment; 0: 64 MiB */
  int64_t granule;    /* what is mapped in one piece: a power of two, from the page size to 2 MiB */
  uint32_t placement; /* KMAPPER_PLACEMENT_... */
  uint32_t strict; /* 1: what nobody holds is unmapped, and a write to a copy faults. For tests */
  uint32_t core_dump;    /* KMAPPER_CORE_DUMP_... */
  uint32_t on_long_wait; /* KMAPPER_ON_LONG_WAIT_... */
  int64_t span_bytes;    /* of `bytes`, the part for mappings across granules; 0: a sixteenth */
} kmapper_options;

/* What has happened since the budget was made, and what is so now. */
typedef struct kmapper_stats {
  uint64_t size; /* sizeof(kmapper_stats), written by the program */
  uint64_t hits, misses;
  uint64_t scavenges, slots_scavenged; /* batches of idle granules taken back */
  uint64_t sleeps, longest_sleep_ns;
  uint64_t longest_hold_ns;        /* of what is pinned now; a little less than it is */
  int64_t longest_holder;          /* the thread (gettid) that took it; 0: none, or unknown */
  uint64_t map_calls, unmap_calls; /* system calls that changed mappings */
  uint64_t spans;                  /* mappings across granules, each mapped anew */
  int64_t budget, granule;         /* bytes: what is used of kmapper_options.bytes, and chosen */
  int64_t mapped;                  /* bytes of granules and spans that are mapped */
  int64_t populated;               /* bytes that the kernel has mapped; -1: it does not say */
  int64_t pinned;                  /* bytes of those that somebody holds */
  int64_t overhead;                /* bytes that the window itself needs, at most */
  int64_t span_bytes;              /* bytes that are kept for mappings across granules */
  int64_t span_bytes_in_use;       /* of those */
  int64_t span_longest_free;       /* bytes: the longest run of granules among the rest */
  uint64_t span_waiters;           /* calls that sleep for such a run now */
} kmapper_stats;

/* `options` NULL: all chosen by the library. Errors: KMAPPER_INVALID_OPTION; of the system. */
KMAPPER_API int kmapper_budget_create(const kmapper_options* options, kmapper_budget** budget);
/* The program's handle; windows of the budget keep it until they are closed. NULL: nothing. */
KMAPPER_API void kmapper_budget_destroy(kmapper_budget* budget);
KMAPPER_API int64_t kmapper_budget_granule(const kmapper_budget* budget);
/* Unmaps whatever nobody holds. Returns how many granules that were. */
KMAPPER_API int64_t kmapper_budget_trim(const kmapper_budget* budget);
/* Fills in as many bytes as stats->size says. Looks at every slot, and at every page that it maps.
 * Errors: KMAPPER_INVALID_OPTION (that size). */
KMAPPER_API int kmapper_budget_stats(const kmapper_budget* budget, kmapper_stats* stats);
/* Writes a line to standard error for each granule, and each mapping across granules, that has been
 * held for at least so long. Returns how many. */
KMAPPER_API int64_t kmapper_budget_report_holders(const kmapper_budget* budget,
                                                  int64_t nanoseconds);

/* --- A mapping: a part of a file, until it is released --- */

typedef struct kmapper_mapping {
  void* data;    /* the bytes asked for, in one piece; NULL: nothing is mapped */
  size_t length; /* of them */
  void* private_words[6];
} kmapper_mapping;

/* Gives it back, from any thread, and makes it zeros; of zeros, it does nothing. It may be copied
 * as bytes are, but is released once. */
KMAPPER_API void kmapper_mapping_release(kmapper_mapping* mapping);
/* Why an access to it could not be carried out: KMAPPER_CUT_SHORT, or what the system says (ENOSPC,
 * EDQUOT, EIO). The page that was accessed shows zeros since, and what is written there is lost. 0:
 * all is well. */
KMAPPER_API int kmapper_mapping_fault(const kmapper_mapping* mapping);

/* --- A wait that may be ended --- */

typedef struct kmapper_cancellation kmapper_cancellation;

/* Errors: ENOMEM. */
KMAPPER_API int kmapper_cancellation_create(kmapper_cancellation** cancellation);
/* Nobody may be waiting with it. NULL: nothing. */
KMAPPER_API void kmapper_cancellation_destroy(kmapper_cancellation* cancellation);
/* Ends all waits that were given it, now and in future. */
KMAPPER_API void kmapper_cancellation_cancel(kmapper_cancellation* cancellation);

/* How long a call may wait for others to give something back. */
typedef struct kmapper_patience {
  uint64_t size;                      /* sizeof(kmapper_patience) */
  int64_t deadline_ns;                /* of CLOCK_MONOTONIC; 0: none; below 0: has passed */
  kmapper_cancellation* cancellation; /* NULL: none */
} kmapper_patience;

/* --- A window: a file, seen through a budget --- */

typedef struct kmapper_window kmapper_window;

enum { KMAPPER_READ_ONLY = 0, KMAPPER_READ_WRITE = 1 };

/* A regular file, a block device or a memory file. Errors: of the system (for other files ENODEV or
 * EISDIR, at once); KMAPPER_INVALID_OPTION. */
KMAPPER_API int kmapper_window_open(const char* path, int access, const kmapper_budget* budget,
                                    kmapper_window** window);
/* Of an open file; the descriptor is duplicated. Errors: EACCES, too (it is not open as `access`
 * needs it, or for appending), and EPERM (a memory file that is sealed against writing). */
KMAPPER_API int kmapper_window_open_descriptor(int descriptor, int access,
                                               const kmapper_budget* budget,
                                               kmapper_window** window);
/* Unmaps everything. A mapping that is still held is reported, and stays. Nobody may be using the
 * window. NULL: nothing. */
KMAPPER_API void kmapper_window_close(kmapper_window* window);

/* Maps a range of the file, which must lie within it; sleeps when all that the budget allows is
 * pinned. A range within one granule is nearly always there already, and costs some ten
 * nanoseconds; a longer one is mapped anew each time, and no longer than kmapper_window_longest().
 * A caller that holds a mapping and asks for another may wait for ever, if all callers do so. A
 * granule has at most 16,383 users at a time, in all threads together; one more gets
 * KMAPPER_TOO_MANY_USERS. Errors: KMAPPER_INVALID_RANGE, _BEYOND_END, _TOO_LARGE, _TOO_MANY_USERS,
 * _FORKED, _BUSY; EFBIG (an offset that cannot be mapped); of the system.
 */
KMAPPER_API int kmapper_window_map(kmapper_window* window, int64_t offset, int64_t length,
                                   kmapper_mapping* mapping);
/* The same, and never sleeps for others. Errors: KMAPPER_WOULD_SLEEP, too. */
KMAPPER_API int kmapper_window_try_map(kmapper_window* window, int64_t offset, int64_t length,
                                       kmapper_mapping* mapping);
/* The same, within a time from now: below 0 it does not wait, and a time that ends in 68 years or
 * later, as INT64_MAX, is for ever. Errors: KMAPPER_TIMED_OUT, too. */
KMAPPER_API int kmapper_window_map_for(kmapper_window* window, int64_t offset, int64_t length,
                                       int64_t nanoseconds, kmapper_mapping* mapping);
/* The same, as long as `patience` lasts; NULL: for ever. Errors: KMAPPER_TIMED_OUT, _CANCELLED,
 * _INVALID_OPTION (its size), too. */
KMAPPER_API int kmapper_window_map_until(kmapper_window* window, int64_t offset, int64_t length,
                                         const kmapper_patience* patience,
                                         kmapper_mapping* mapping);

/* How a file will be used: it is found out; from front to back, at one place or several; here and
 * there. */
enum { KMAPPER_ADVICE_NORMAL = 0, KMAPPER_ADVICE_SEQUENTIAL = 1, KMAPPER_ADVICE_RANDOM = 2 };
/* Says so, until it is said otherwise. Errors: KMAPPER_INVALID_OPTION (no such advice). */
KMAPPER_API int kmapper_window_advise(kmapper_window* window, int advice);
/* A range will be used soon: has it read, and mapped as far as that takes nothing from anybody, and
 * no more than a quarter of the budget. Waits for neither. Errors: as for mapping it; of the
 * system. */
KMAPPER_API int kmapper_window_prefetch(kmapper_window* window, int64_t offset, int64_t length);

/* Returns when what was written to the file, or to a range of it, is on its disk. Errors: of the
 * system; and KMAPPER_CUT_SHORT, ENOSPC, EDQUOT or EIO of a page of a mapping that was replaced by
 * zeros (see kmapper_mapping_fault()), so that writes to it are lost. That is said once, by the
 * next call, whatever its range; of several, the first. */
KMAPPER_API int kmapper_window_sync(kmapper_window* window);
KMAPPER_API int kmapper_window_sync_range(kmapper_window* window, int64_t offset, int64_t length);
/* Has the disk begin to write a range, and returns at once. */
KMAPPER_API int kmapper_window_start_sync(kmapper_window* window, int64_t offset, int64_t length);
/* Makes the file longer, with zeros, or shorter. Nobody may map what is cut off at the same time.
 * Errors: KMAPPER_PINNED (a mapping behind the new end, or one across granules; nothing is done),
 * _READ_ONLY_WINDOW, _INVALID_RANGE; of the system: EFBIG beyond RLIMIT_FSIZE, without SIGXFSZ. */
KMAPPER_API int kmapper_window_resize(kmapper_window* window, int64_t size);
/* Makes a range zeros, and gives what it took up back. It begins with a granule, and ends with one
 * or with the file. Errors: as for resize; EOPNOTSUPP. */
KMAPPER_API int kmapper_window_discard(kmapper_window* window, int64_t offset, int64_t length);
/* Unmaps whatever of the file nobody holds. Returns how many granules that were. Looks at every
 * slot of the budget. */
KMAPPER_API int64_t kmapper_window_trim(kmapper_window* window);
/* Looks at the file's size again; and, of copies, has every later call show the file as it is now,
 * or newer. Mappings that are held stay as they are. Of copies, looks at every slot of the budget.
 * Errors: KMAPPER_FORKED; of the system. */
KMAPPER_API int kmapper_window_refresh(kmapper_window* window);
/* What the file's size was when it was last looked at. */
KMAPPER_API int64_t kmapper_window_size(const kmapper_window* window);
/* The longest range that may be mapped, wherever it begins. */
KMAPPER_API int64_t kmapper_window_longest(const kmapper_window* window);

/* --- Several mappings at once, by who would else wait for one while holding another --- */

/* What is wanted, of one granule, and the mapping when it is there. */
typedef struct kmapper_range {
  kmapper_window* window;
  int64_t offset, length;
  kmapper_mapping mapping;
} kmapper_range;

/* Maps all, or none; of any windows of the budget. Sleeps, as long as `patience` lasts (NULL: for
 * ever), without holding one of them. Errors: as kmapper_window_map_until(), and KMAPPER_TOO_LARGE
 * (a range across granules, or more of them than the budget has slots), _INVALID_OPTION (a window
 * of another budget); ENOMEM. */
KMAPPER_API int kmapper_map_all(const kmapper_budget* budget, kmapper_range* ranges, size_t count,
                                const kmapper_patience* patience);

/* Room for granules: what is mapped in it never waits. One thread at a time. */
typedef struct kmapper_reservation kmapper_reservation;

/* Room for so many, or none. Sleeps, as long as `patience` lasts (NULL: for ever); the caller
 * should hold no mapping. Errors: KMAPPER_TIMED_OUT, _CANCELLED, _TOO_LARGE (more than there are
 * slots), _INVALID_RANGE (less than one). */
KMAPPER_API int kmapper_reservation_create(const kmapper_budget* budget, int64_t granules,
                                           const kmapper_patience* patience,
                                           kmapper_reservation** reservation);
/* Gives back what room is left. NULL: nothing. */
KMAPPER_API void kmapper_reservation_destroy(kmapper_reservation* reservation);
/* Maps a range within one granule, and uses up room for it unless it is mapped already. Errors: as
 * kmapper_window_try_map(), and KMAPPER_SPENT, _INVALID_OPTION (a window of another budget),
 * _TOO_LARGE. */
KMAPPER_API int kmapper_reservation_map(kmapper_reservation* reservation, kmapper_window* window,
                                        int64_t offset, int64_t length, kmapper_mapping* mapping);
/* Granules that there is still room for. */
KMAPPER_API int64_t kmapper_reservation_left(const kmapper_reservation* reservation);

/* --- A cursor: for one thread that goes through a file --- */

typedef struct kmapper_cursor kmapper_cursor;

/* It must not outlive its window. Errors: ENOMEM. */
KMAPPER_API int kmapper_cursor_create(kmapper_window* window, kmapper_cursor** cursor);
KMAPPER_API void kmapper_cursor_destroy(kmapper_cursor* cursor);
/* Where the file's bytes from `offset` on are, at least so many in one piece; good until the next
 * call of this cursor. It keeps its last granule pinned: within that, the call costs two
 * comparisons; elsewhere it may sleep, as kmapper_window_map() does. NULL: see
 * kmapper_last_error(). */
KMAPPER_API void* kmapper_cursor_at(kmapper_cursor* cursor, int64_t offset, size_t length);
/* Gives back what it holds. */
KMAPPER_API void kmapper_cursor_release(kmapper_cursor* cursor);

/* --- High memory: pages of RAM, more than the process has addresses for --- */

typedef struct kmapper_high_memory kmapper_high_memory;
/* A page of the budget's granule. */
typedef uint64_t kmapper_high_page;

/* Errors: of the system. */
KMAPPER_API int kmapper_high_memory_create(const kmapper_budget* budget,
                                           kmapper_high_memory** memory);
/* When a page takes up memory: with the first write to it (where none is left then, the kernel ends
 * a process: the OOM killer); or in kmapper_high_memory_allocate(), where running out is ENOMEM. */
enum { KMAPPER_COMMIT_WHEN_WRITTEN = 0, KMAPPER_COMMIT_WHEN_ALLOCATED = 1 };
/* The same as kmapper_high_memory_create(), which commits when written. Errors:
 * KMAPPER_INVALID_OPTION (no such `commit`), too. */
KMAPPER_API int kmapper_high_memory_create_committed(const kmapper_budget* budget, int commit,
                                                     kmapper_high_memory** memory);
/* Nobody may be using it. NULL: nothing. */
KMAPPER_API void kmapper_high_memory_destroy(kmapper_high_memory* memory);
/* A page of zeros. Errors: of the system; ENOMEM. */
KMAPPER_API int kmapper_high_memory_allocate(kmapper_high_memory* memory, kmapper_high_page* page);
/* Gives the page's memory back. Errors: KMAPPER_PINNED (nothing is done), _INVALID_RANGE (it is not
 * allocated). */
KMAPPER_API int kmapper_high_memory_free(kmapper_high_memory* memory, kmapper_high_page page);
/* As kmapper_window_map(), _try_map() and _map_until(). Nobody may free the page at the same time.
 */
KMAPPER_API int kmapper_high_memory_map(kmapper_high_memory* memory, kmapper_high_page page,
                                        kmapper_mapping* mapping);
KMAPPER_API int kmapper_high_memory_try_map(kmapper_high_memory* memory, kmapper_high_page page,
                                            kmapper_mapping* mapping);
KMAPPER_API int kmapper_high_memory_map_until(kmapper_high_memory* memory, kmapper_high_page page,
                                              const kmapper_patience* patience,
                                              kmapper_mapping* mapping);
/* Bytes a page, and pages that are allocated. */
KMAPPER_API int64_t kmapper_high_memory_page_size(const kmapper_high_memory* memory);
KMAPPER_API int64_t kmapper_high_memory_allocated(const kmapper_high_memory* memory);

/* --- The handler for SIGBUS; see process/sigbus.hpp --- */

/* For a handler of the program's, which has SA_SIGINFO set and passes on its arguments: `info` is
 * its siginfo_t *. 1: an access to a mapping faulted, and can be made now: return. 0: the signal is
 * not the library's. May be called in signal handlers. */
KMAPPER_API int kmapper_handle_sigbus(int number, void* info, void* context);
/* Puts the library's handler in front of the one that SIGBUS has now, as after another library has
 * installed one. Errors: of the system. */
KMAPPER_API int kmapper_install_sigbus_handler(void);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming,modernize-use-using,modernize-deprecated-headers) */

#endif
