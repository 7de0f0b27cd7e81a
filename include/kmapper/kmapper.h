/* The window in a Linux process, for C (C99 and later) and for languages that call C. It does what
 * kmapper/process/process.hpp, cursor.hpp, several.hpp and high_memory.hpp say of the C++
 * interface.
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
 * The ABI is stable. Handles are opaque. Numbers of errors and options are never reused. A
 * structure that a program and the library share begins with its size as the program knows it.
 * Members are only added at its end. Zero in them selects the default of earlier versions. So a
 * program works with a newer library, and with an older one unless it uses what that one lacks.
 * Only kmapper_mapping never grows: it is the program's own memory, so that a hit allocates
 * nothing.
 *
 * A call that may fail returns 0 or an error: one of the system's errno numbers, which are above 0,
 * or one of kmapper_status below. On an error, the results that it should fill in are NULL or
 * zeros, and kmapper_last_message() says more. No call throws, or ends the process. A NULL where a
 * path, a handle or a structure is needed is KMAPPER_INVALID_OPTION, and the message names the
 * argument. Calls that return a number of bytes or granules return that error number, which is
 * below 0; kmapper_cursor_at() returns NULL. Calls that destroy, close, cancel or release do
 * nothing with NULL. The calls that ask for the last error work at any time, also in destructors
 * and atexit handlers.
 *
 * Any thread may make any call at any time, unless its comment says otherwise. Signal handlers may
 * only call kmapper_handle_sigbus(). A thread must not be cancelled by pthread_cancel() during a
 * call. Sizes, offsets and lengths are in bytes.
 *
 * Longer than usual: a C program includes one header.
 */
#ifndef KMAPPER_KMAPPER_H
#define KMAPPER_KMAPPER_H

/* NOLINTBEGIN(readability-identifier-naming,modernize-use-using) */

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
  KMAPPER_WOULD_SLEEP = -1,      /* everything is pinned, and the caller may not wait */
  KMAPPER_TIMED_OUT = -2,        /* nothing was unpinned in time */
  KMAPPER_CANCELLED = -3,        /* kmapper_cancellation_cancel() was called */
  KMAPPER_TOO_MANY_USERS = -4,   /* no more users of the granule can be counted */
  KMAPPER_TOO_LARGE = -5,        /* longer than what the budget can map at once */
  KMAPPER_INVALID_RANGE = -6,    /* a negative offset, a length below 1, or no allocated page */
  KMAPPER_BEYOND_END = -7,       /* behind the end of the file */
  KMAPPER_PINNED = -8,           /* a mapping of it is held */
  KMAPPER_READ_ONLY_WINDOW = -9, /* a write to a window that was opened for reading */
  KMAPPER_INVALID_OPTION =
      -10, /* a NULL, or an option that this machine, file or library does not allow */
  KMAPPER_CUT_SHORT = -11,     /* the file has become shorter than what is mapped of it */
  KMAPPER_FORKED = -12,        /* the window belongs to the parent process */
  KMAPPER_SPENT = -13,         /* the reservation has no room left */
  KMAPPER_WOULD_DEADLOCK = -14 /* all threads sleep for mappings; none is left to release one */
} kmapper_status;

/* The meaning of an error number, in a few words. Valid until the thread's next call of this. */
KMAPPER_API const char* kmapper_strerror(int error);

/* The error of the last failed call of this thread. */
KMAPPER_API int kmapper_last_error(void);
/* The last failure in one line that names the file, the range, what was wrong and the limit. Valid
 * until the thread's next call of this. */
KMAPPER_API const char* kmapper_last_message(void);
KMAPPER_API int64_t kmapper_last_offset(void);
KMAPPER_API int64_t kmapper_last_length(void);
/* The limit that the message names, such as the file's size; 0: none. */
KMAPPER_API int64_t kmapper_last_limit(void);

/* --- A budget: address space, and a limit on what is mapped in it, for any number of windows ---
 */

typedef struct kmapper_budget kmapper_budget;

/* Where granules are mapped; see Placement in process.hpp. Automatic: where the library finds that
 * a miss is fastest for the file: perhaps copies, for a window opened for reading. Copies do not
 * change with the file. In a window opened for writing, each mapping of a copy counts as written
 * to, and is written back. In others, a write to a copy is refused only in a strict budget;
 * otherwise it changes what other holders of the granule see. */
enum {
  KMAPPER_PLACEMENT_AUTOMATIC = 0,
  KMAPPER_PLACEMENT_SLOTS = 1,
  KMAPPER_PLACEMENT_HOME = 2,
  KMAPPER_PLACEMENT_COPIES = 3
};

/* What a core dump contains of the files; see CoreDump in process.hpp: what is in slots; nothing;
 * everything, with files at home as a whole. */
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

/* The options of a budget. A 0 leaves the choice to the library. */
typedef struct kmapper_options {
  uint64_t size;         /* sizeof(kmapper_options) */
  int64_t bytes;         /* the most that may be mapped at any moment; 0: 64 MiB */
  int64_t granule;       /* the unit of mapping: a power of two, from the page size to 2 MiB */
  uint32_t placement;    /* KMAPPER_PLACEMENT_... */
  uint32_t strict;       /* 1: unmap granules without a holder, fault writes to a copy. For tests */
  uint32_t core_dump;    /* KMAPPER_CORE_DUMP_... */
  uint32_t on_long_wait; /* KMAPPER_ON_LONG_WAIT_... */
  int64_t span_bytes;    /* the part of `bytes` for mappings across granules; 0: a sixteenth */
  uint64_t direct;       /* 1: copies are read and written without the page cache (O_DIRECT) */
} kmapper_options;

/* Counts since the budget was made, and the present state. */
typedef struct kmapper_stats {
  uint64_t size;   /* sizeof(kmapper_stats), written by the program */
  uint64_t hits;   /* maps of a granule that was mapped, or that another call was mapping */
  uint64_t misses; /* granules that were mapped, for a call or ahead of it */
  uint64_t scavenges, slots_scavenged; /* batches of idle granules taken back */
  uint64_t sleeps, longest_sleep_ns;
  uint64_t longest_hold_ns;        /* of what is pinned now; a little too small */
  int64_t longest_holder;          /* the thread (gettid) that took it; 0: none, or unknown */
  uint64_t map_calls, unmap_calls; /* system calls that changed mappings */
  uint64_t spans;                  /* mappings across granules, each mapped anew */
  int64_t budget, granule;         /* bytes: the part of kmapper_options.bytes in use; the choice */
  int64_t mapped;                  /* bytes of granules and spans that are mapped */
  int64_t populated;               /* bytes that the kernel has mapped; -1: unknown */
  int64_t pinned;                  /* bytes of `mapped` that have holders */
  int64_t overhead;                /* bytes that the window itself needs, at most */
  int64_t span_bytes;              /* bytes that are reserved for mappings across granules */
  int64_t span_bytes_in_use;       /* of those */
  int64_t span_longest_free;       /* bytes: the longest run of granules among the rest */
  uint64_t span_waiters;           /* calls that sleep for such a run now */
  int64_t files_in_slots;          /* see kmapper_window_placement() */
  int64_t files_at_home, files_in_copies;
} kmapper_stats;

/* Makes a budget. `options` NULL: the library chooses all. Errors: KMAPPER_INVALID_OPTION; of the
 * system. */
KMAPPER_API int kmapper_budget_create(const kmapper_options* options, kmapper_budget** budget);
/* Destroys the program's handle. The budget lives until its last window is closed. NULL: nothing.
 * */
KMAPPER_API void kmapper_budget_destroy(kmapper_budget* budget);
KMAPPER_API int64_t kmapper_budget_granule(const kmapper_budget* budget);
/* Unmaps all granules that have no holder. Returns how many. */
KMAPPER_API int64_t kmapper_budget_trim(const kmapper_budget* budget);
/* Fills in as many bytes as stats->size says. Looks at every slot, and at every page that it maps.
 * Errors: KMAPPER_INVALID_OPTION (a wrong size). */
KMAPPER_API int kmapper_budget_stats(const kmapper_budget* budget, kmapper_stats* stats);
/* The same as one line of name=number, without a line end. Writes at most `size` bytes, a final
 * zero among them; `*length` (unless NULL) becomes the length of the whole text. Errors: ENOMEM. */
KMAPPER_API int kmapper_budget_stats_line(const kmapper_budget* budget, char* text, size_t size,
                                          size_t* length);
/* Likewise, the statistics of `count` budgets in Prometheus's text format; see
 * process/statistics.hpp. `names` tells the budgets from each other; NULL, or a NULL in it: no
 * name. */
KMAPPER_API int kmapper_stats_prometheus(const kmapper_budget* const* budgets,
                                         const char* const* names, size_t count, char* text,
                                         size_t size, size_t* length);
/* Writes a line to standard error for each granule, and each mapping across granules, that has been
 * held for at least this long. Returns how many. */
KMAPPER_API int64_t kmapper_budget_report_holders(const kmapper_budget* budget,
                                                  int64_t nanoseconds);

/* --- A mapping: a part of a file, mapped until it is released --- */

typedef struct kmapper_mapping {
  void* data;    /* the bytes asked for, contiguous; NULL: nothing is mapped */
  size_t length; /* of them */
  void* private_words[6];
} kmapper_mapping;

/* Gives the mapping back and zeroes the structure, which may be zero already. Any thread. The
 * structure may be copied byte by byte, but only one copy may be released. */
KMAPPER_API void kmapper_mapping_release(kmapper_mapping* mapping);
/* Why an access to the mapping failed: KMAPPER_CUT_SHORT, or what the system says (ENOSPC, EDQUOT,
 * EIO). The page of the access shows zeros from then on, and what is written there is lost. 0: no
 * access failed. */
KMAPPER_API int kmapper_mapping_fault(const kmapper_mapping* mapping);

/* --- A wait that may be ended --- */

typedef struct kmapper_cancellation kmapper_cancellation;

/* Errors: ENOMEM. */
KMAPPER_API int kmapper_cancellation_create(kmapper_cancellation** cancellation);
/* No call may be waiting with it. NULL: nothing. */
KMAPPER_API void kmapper_cancellation_destroy(kmapper_cancellation* cancellation);
/* Ends all waits that were given it, now and in the future. */
KMAPPER_API void kmapper_cancellation_cancel(kmapper_cancellation* cancellation);

/* How long a call may wait until others give something back. */
typedef struct kmapper_patience {
  uint64_t size;                      /* sizeof(kmapper_patience) */
  int64_t deadline_ns;                /* of CLOCK_MONOTONIC; 0: none; below 0: has passed */
  kmapper_cancellation* cancellation; /* NULL: none */
} kmapper_patience;

/* --- A window: a file, seen through a budget --- */

typedef struct kmapper_window kmapper_window;

enum { KMAPPER_READ_ONLY = 0, KMAPPER_READ_WRITE = 1 };

/* Opens a regular file, a block device or a memory file. Errors: of the system (for other files
 * ENODEV or EISDIR, at once); KMAPPER_INVALID_OPTION. */
KMAPPER_API int kmapper_window_open(const char* path, int access, const kmapper_budget* budget,
                                    kmapper_window** window);
/* The same for an open file; the descriptor is duplicated. Errors also: EACCES (it is not open as
 * `access` needs it, or open for appending), EPERM (a memory file that is sealed against writing).
 * */
KMAPPER_API int kmapper_window_open_descriptor(int descriptor, int access,
                                               const kmapper_budget* budget,
                                               kmapper_window** window);
/* Unmaps everything. A mapping that is still held is reported, and stays. No other call may be
 * using the window. NULL: nothing. */
KMAPPER_API void kmapper_window_close(kmapper_window* window);

/* Maps a range of the file, which must lie within the file. Sleeps when all that the budget allows
 * is pinned. A range within one granule is nearly always mapped already, and costs about ten
 * nanoseconds. A longer range is mapped anew each time, and must not exceed
 * kmapper_window_longest(). A caller that asks for a mapping while it holds another may wait for
 * ever, if all callers do the same. A granule has at most 16,383 users at a time (in a 64-bit
 * process 2^30 - 1), in all threads together; one more gets KMAPPER_TOO_MANY_USERS. Errors:
 * KMAPPER_INVALID_RANGE, _BEYOND_END, _TOO_LARGE, _TOO_MANY_USERS, _FORKED; EFBIG (an offset that
 * cannot be mapped); of the system. */
KMAPPER_API int kmapper_window_map(kmapper_window* window, int64_t offset, int64_t length,
                                   kmapper_mapping* mapping);
/* The same, and never sleeps until others give something back. Errors also: KMAPPER_WOULD_SLEEP. */
KMAPPER_API int kmapper_window_try_map(kmapper_window* window, int64_t offset, int64_t length,
                                       kmapper_mapping* mapping);
/* The same, within a time from now. Below 0, it does not wait. A time that ends in 68 years or
 * later, such as INT64_MAX, means no limit. Errors also: KMAPPER_TIMED_OUT. */
KMAPPER_API int kmapper_window_map_for(kmapper_window* window, int64_t offset, int64_t length,
                                       int64_t nanoseconds, kmapper_mapping* mapping);
/* The same, as long as `patience` lasts; NULL: without a limit. Errors also: KMAPPER_TIMED_OUT,
 * _CANCELLED, _INVALID_OPTION (its size). */
KMAPPER_API int kmapper_window_map_until(kmapper_window* window, int64_t offset, int64_t length,
                                         const kmapper_patience* patience,
                                         kmapper_mapping* mapping);

/* Maps a range for the caller alone, as long as `patience` lasts (NULL: without a limit): what is
 * written to the mapping stays in it, and never reaches the file. It counts against
 * kmapper_options.span_bytes; see FileWindow::map_private() in process.hpp. Errors: as
 * kmapper_window_map_until(). */
KMAPPER_API int kmapper_window_map_private(kmapper_window* window, int64_t offset, int64_t length,
                                           const kmapper_patience* patience,
                                           kmapper_mapping* mapping);

/* How the caller will use a file: the window finds out; from front to back, at one place or
 * several; at random places. */
enum { KMAPPER_ADVICE_NORMAL = 0, KMAPPER_ADVICE_SEQUENTIAL = 1, KMAPPER_ADVICE_RANDOM = 2 };
/* Says how the file will be used from now on. Errors: KMAPPER_INVALID_OPTION (no such advice). */
KMAPPER_API int kmapper_window_advise(kmapper_window* window, int advice);
/* Says that a range will be used soon. Has it read, and maps it as far as that needs nothing that
 * is held, and no more than a quarter of the budget. Waits neither for the disk nor for other
 * mappings. Errors: as for mapping it; of the system. */
KMAPPER_API int kmapper_window_prefetch(kmapper_window* window, int64_t offset, int64_t length);

/* A prefetch that tells when it is done; see process/prefetch.hpp. Used by one thread at a time. */
typedef struct kmapper_prefetch kmapper_prefetch;

/* Has a thread of the budget bring a range into the window: as much as is possible without waiting
 * for what others hold, and at most a quarter of the budget. Returns at once. The prefetch must not
 * outlive the window. Errors: as for mapping the range; of the system; ENOMEM. */
KMAPPER_API int kmapper_prefetch_start(kmapper_window* window, int64_t offset, int64_t length,
                                       kmapper_prefetch** prefetch);
/* Ends it: what has not come by now will not. NULL: nothing. */
KMAPPER_API void kmapper_prefetch_destroy(kmapper_prefetch* prefetch);
/* 1: done; 0: not yet. */
KMAPPER_API int kmapper_prefetch_is_done(const kmapper_prefetch* prefetch);
/* Sleeps until it is done. Errors: why it ended early: of the system; KMAPPER_FORKED. */
KMAPPER_API int kmapper_prefetch_wait(kmapper_prefetch* prefetch);
/* How much of the range is in the window so far. */
KMAPPER_API int64_t kmapper_prefetch_bytes(const kmapper_prefetch* prefetch);

/* Returns when what was written to the file, or to a range of it, is on its disk. Errors: of the
 * system; and KMAPPER_CUT_SHORT, ENOSPC, EDQUOT or EIO of a page of a mapping that was replaced by
 * zeros (see kmapper_mapping_fault()), so that writes to it are lost. Such an error is returned
 * once, by the next call, whatever its range; of several errors, the first. */
KMAPPER_API int kmapper_window_sync(kmapper_window* window);
KMAPPER_API int kmapper_window_sync_range(kmapper_window* window, int64_t offset, int64_t length);
/* Makes the disk begin to write a range, and returns at once. */
KMAPPER_API int kmapper_window_start_sync(kmapper_window* window, int64_t offset, int64_t length);
/* Makes the file longer, with zeros, or shorter. No thread may map the part that is cut off during
 * the call. Errors: KMAPPER_PINNED (a mapping behind the new end, or one across granules, is held;
 * nothing is done), _READ_ONLY_WINDOW, _INVALID_RANGE; of the system: EFBIG beyond RLIMIT_FSIZE,
 * without SIGXFSZ. */
KMAPPER_API int kmapper_window_resize(kmapper_window* window, int64_t size);
/* Writes bytes behind the file's end. `*offset` (unless NULL) becomes the offset of the first. They
 * can be mapped when the call returns. Two appends of this window do not mix. If the call fails,
 * nothing has been appended. Errors: KMAPPER_READ_ONLY_WINDOW; of the system (ENOSPC; EFBIG beyond
 * RLIMIT_FSIZE, without SIGXFSZ). */
KMAPPER_API int kmapper_window_append(kmapper_window* window, const void* data, size_t length,
                                      int64_t* offset);
/* Makes a range zeros, and frees the disk space or memory that it takes up. The range begins with a
 * granule, and ends with one or with the file. Errors: as for resize; EOPNOTSUPP. */
KMAPPER_API int kmapper_window_discard(kmapper_window* window, int64_t offset, int64_t length);
/* Unmaps all granules of the file that have no holder. Returns how many. Looks at every slot of the
 * budget. */
KMAPPER_API int64_t kmapper_window_trim(kmapper_window* window);
/* Reads the file's size again. With copies, every later call shows the file as it is now, or newer.
 * Mappings that are held stay as they are. With copies, looks at every slot of the budget. Errors:
 * KMAPPER_FORKED; of the system. */
KMAPPER_API int kmapper_window_refresh(kmapper_window* window);
/* The file's size when it was last read. */
KMAPPER_API int64_t kmapper_window_size(const kmapper_window* window);
/* The longest range that may be mapped, at any offset. */
KMAPPER_API int64_t kmapper_window_longest(const kmapper_window* window);
/* Where the file's granules are mapped: KMAPPER_PLACEMENT_..., and never _AUTOMATIC. */
KMAPPER_API int kmapper_window_placement(const kmapper_window* window);
/* Why it is there, in one line, with what was measured; see FileWindow::why_placed() in
 * process.hpp. Valid until the window is closed. NULL: see kmapper_last_error(). */
KMAPPER_API const char* kmapper_window_why_placed(const kmapper_window* window);

/* --- Several mappings at once: no caller waits for one while it holds another --- */

/* The range to map, within one granule, and its mapping after a successful call. */
typedef struct kmapper_range {
  kmapper_window* window;
  int64_t offset, length;
  kmapper_mapping mapping;
} kmapper_range;

/* Maps all, or none. The ranges may be in any windows of the budget, and in any order. Sleeps as
 * long as `patience` lasts (NULL: without a limit), and holds none of them meanwhile. Errors: as
 * kmapper_window_map_until(), and KMAPPER_TOO_LARGE (a range across granules, or more granules than
 * the budget has slots), _INVALID_OPTION (a window of another budget); ENOMEM. */
KMAPPER_API int kmapper_map_all(const kmapper_budget* budget, kmapper_range* ranges, size_t count,
                                const kmapper_patience* patience);

/* Room for a number of granules. Mapping in it never waits. Used by one thread at a time. */
typedef struct kmapper_reservation kmapper_reservation;

/* Reserves room for `granules` granules, all or none. Sleeps as long as `patience` lasts (NULL:
 * without a limit); the caller should hold no mapping. Errors: KMAPPER_TIMED_OUT, _CANCELLED,
 * _TOO_LARGE (more than the budget has slots), _INVALID_RANGE (less than one). */
KMAPPER_API int kmapper_reservation_create(const kmapper_budget* budget, int64_t granules,
                                           const kmapper_patience* patience,
                                           kmapper_reservation** reservation);
/* Gives back the room that is left. NULL: nothing. */
KMAPPER_API void kmapper_reservation_destroy(kmapper_reservation* reservation);
/* Maps a range within one granule, and uses up the room of one granule unless the granule is mapped
 * already. Errors: as kmapper_window_try_map(), and KMAPPER_SPENT, _INVALID_OPTION (a window of
 * another budget), _TOO_LARGE. */
KMAPPER_API int kmapper_reservation_map(kmapper_reservation* reservation, kmapper_window* window,
                                        int64_t offset, int64_t length, kmapper_mapping* mapping);
/* The number of granules that there is room left for. */
KMAPPER_API int64_t kmapper_reservation_left(const kmapper_reservation* reservation);

/* --- A cursor: a position in a file, for one thread --- */

typedef struct kmapper_cursor kmapper_cursor;

/* The cursor must not outlive its window. Errors: ENOMEM. */
KMAPPER_API int kmapper_cursor_create(kmapper_window* window, kmapper_cursor** cursor);
KMAPPER_API void kmapper_cursor_destroy(kmapper_cursor* cursor);
/* The address of the file's bytes from `offset` on, at least `length` contiguous bytes; valid until
 * the next call with this cursor. The cursor keeps its last granule pinned. Within that granule,
 * the call costs two comparisons; elsewhere it may sleep, as kmapper_window_map() does. NULL: see
 * kmapper_last_error(). */
KMAPPER_API void* kmapper_cursor_at(kmapper_cursor* cursor, int64_t offset, size_t length);
/* Gives back the granule that it holds. */
KMAPPER_API void kmapper_cursor_release(kmapper_cursor* cursor);

/* --- High memory: pages of RAM, more than the process has addresses for --- */

typedef struct kmapper_high_memory kmapper_high_memory;
/* A page. It has the size of the budget's granule. */
typedef uint64_t kmapper_high_page;

/* Errors: of the system. */
KMAPPER_API int kmapper_high_memory_create(const kmapper_budget* budget,
                                           kmapper_high_memory** memory);
/* When a page takes up memory: at the first write to it (if no memory is left then, the kernel
 * kills a process: the OOM killer); or in kmapper_high_memory_allocate(), where running out is
 * ENOMEM. */
enum { KMAPPER_COMMIT_WHEN_WRITTEN = 0, KMAPPER_COMMIT_WHEN_ALLOCATED = 1 };
/* The same as kmapper_high_memory_create(), with a choice; that call commits when written. Errors
 * also: KMAPPER_INVALID_OPTION (no such `commit`). */
KMAPPER_API int kmapper_high_memory_create_committed(const kmapper_budget* budget, int commit,
                                                     kmapper_high_memory** memory);
/* No other call may be using it. NULL: nothing. */
KMAPPER_API void kmapper_high_memory_destroy(kmapper_high_memory* memory);
/* Allocates a page of zeros. Errors: of the system; ENOMEM. */
KMAPPER_API int kmapper_high_memory_allocate(kmapper_high_memory* memory, kmapper_high_page* page);
/* Gives the page's memory back. Errors: KMAPPER_PINNED (nothing is done), _INVALID_RANGE (the page
 * is not allocated). */
KMAPPER_API int kmapper_high_memory_free(kmapper_high_memory* memory, kmapper_high_page page);
/* As kmapper_window_map(), _try_map() and _map_until(). No thread may free the page during the
 * call. */
KMAPPER_API int kmapper_high_memory_map(kmapper_high_memory* memory, kmapper_high_page page,
                                        kmapper_mapping* mapping);
KMAPPER_API int kmapper_high_memory_try_map(kmapper_high_memory* memory, kmapper_high_page page,
                                            kmapper_mapping* mapping);
KMAPPER_API int kmapper_high_memory_map_until(kmapper_high_memory* memory, kmapper_high_page page,
                                              const kmapper_patience* patience,
                                              kmapper_mapping* mapping);
/* The size of a page in bytes, and the number of allocated pages. */
KMAPPER_API int64_t kmapper_high_memory_page_size(const kmapper_high_memory* memory);
KMAPPER_API int64_t kmapper_high_memory_allocated(const kmapper_high_memory* memory);

/* --- Pages in a file that the next process finds by names; see process/named_pages.hpp --- */

typedef struct kmapper_named_pages kmapper_named_pages;

/* Opens the file, or makes it. One process at a time may have it open. Errors: of the system;
 * EINVAL, with a message that says what is wrong with the file; EWOULDBLOCK (it is open
 * elsewhere). */
KMAPPER_API int kmapper_named_pages_open(const char* path, const kmapper_budget* budget,
                                         kmapper_named_pages** pages);
/* No mapping of a page may be held. NULL: nothing. */
KMAPPER_API void kmapper_named_pages_close(kmapper_named_pages* pages);
/* As the calls for high memory. A page that a name leads to is not freed: KMAPPER_INVALID_RANGE. */
KMAPPER_API int kmapper_named_pages_allocate(kmapper_named_pages* pages, kmapper_high_page* page);
KMAPPER_API int kmapper_named_pages_free(kmapper_named_pages* pages, kmapper_high_page page);
KMAPPER_API int kmapper_named_pages_map(kmapper_named_pages* pages, kmapper_high_page page,
                                        const kmapper_patience* patience, kmapper_mapping* mapping);
/* Makes a name of 1 to 255 bytes lead to these pages. When the call returns, the name and what the
 * pages hold are on the disk. The next process frees pages without a name. Errors:
 * KMAPPER_INVALID_RANGE (a page that is not allocated), _INVALID_OPTION (the name's length); of the
 * system. */
KMAPPER_API int kmapper_named_pages_name(kmapper_named_pages* pages, const char* name,
                                         const kmapper_high_page* list, size_t count);
/* Makes a name lead to nothing; its pages stay allocated. Errors: ENOENT (no such name); as above.
 */
KMAPPER_API int kmapper_named_pages_unname(kmapper_named_pages* pages, const char* name);
/* The pages that a name leads to: as many as `size` says, in `list`. `*count` (unless NULL) becomes
 * the number of all. Errors: ENOENT (no such name). */
KMAPPER_API int kmapper_named_pages_find(const kmapper_named_pages* pages, const char* name,
                                         kmapper_high_page* list, size_t size, size_t* count);

/* --- The handler for SIGBUS; see process/sigbus.hpp --- */

/* Call it from the program's own handler, which needs SA_SIGINFO and passes on its arguments;
 * `info` is its siginfo_t *. 1: an access to a mapping faulted, and can be repeated now: the
 * handler should return. 0: the signal is not the library's. May be called in signal handlers. */
KMAPPER_API int kmapper_handle_sigbus(int number, void* info, void* context);
/* Puts the library's handler in front of the present SIGBUS handler, for example after another
 * library has installed one. Errors: of the system. */
KMAPPER_API int kmapper_install_sigbus_handler(void);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming,modernize-use-using) */

#endif
