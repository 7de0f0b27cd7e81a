/* The conformance suite for a kernel in C: what the suite needs to know of the machine, in C.
 *
 * 1. Write the functions of part 1 (rig.c, say), and those of part 2 that the kernel has the means
 *    for. tests/c_kernel/rig.c is one.
 * 2. Build the kernel with c_rig.cpp in place of kmapper/kernel.cpp: the same flags, an -I for the
 *    folder that has conformance/, and a -D for each function of part 2 that is there.
 * 3. Call kmapper_run_conformance() (part 3), and read README.md about what it prints.
 *
 * The functions may be called in any context, and by several threads at once, where the comment
 * says nothing else.
 */
#ifndef KMAPPER_CONFORMANCE_C_RIG_H
#define KMAPPER_CONFORMANCE_C_RIG_H

/* NOLINTBEGIN(readability-identifier-naming) */

#include <stdbool.h>
#include <stdint.h>

#include "kmapper/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- 1. What every rig has ----------------------------------------------------------------------
 */

/* How many pages kmapper_rig_page() has: at least 3. Have 32 more than the window has slots, so
 * that pages lose their slots to others, and a kmap has to sleep. */
uint32_t kmapper_rig_pages(void);
/* High pages that nobody else uses. Each number, from 0 on, always names the same page. The suite
 * writes their first 4 bytes, and their cells. Allocate them before the suite runs. */
kmapper_page kmapper_rig_page(uint32_t number);

/* How many of the window's slots, from slot 0 on, the suite may use itself: at least 2. More than
 * 32 make no difference. It calls kmapper_port_write_pte(), take_pte() and invalidate() for them
 * behind the core's back, and leaves them empty before it maps the first page by kmapper_kmap(). So
 * kmapper_open() has been called, and these slots are empty: nobody has mapped a page yet, or
 * nobody holds one and kmapper_flush_all_zero_pkmaps() has been called since. */
uint32_t kmapper_rig_slots(void);

/* Shows a piece of text. A line comes in two pieces, before a check and after it, so show each at
 * once: if the machine dies, the last line names the check. The caller may sleep. */
void kmapper_rig_print(const char* text);

/* --- 2. What a rig may have ---------------------------------------------------------------------
 *
 * The suite calls a function only if c_rig.cpp is compiled with -D of its name in capitals:
 * -DKMAPPER_RIG_LOW_PAGE. It skips the checks that need another function, and says so.
 *
 * vmap and vmalloc need no function. Where kmapper_port.h has them, call kmapper_open_vmap() before
 * the suite, with 16 pages or more, none of which is in use.
 */

/* -DKMAPPER_RIG_LOW_PAGE. A page for which kmapper_port_is_high() is false. */
kmapper_page kmapper_rig_low_page(void);

/* -DKMAPPER_RIG_READ. Reads 4 bytes, at an address that is a multiple of 4, on the caller's CPU.
 * False: nothing is mapped there, and the access faulted. Without this function the suite reads
 * where something has to be mapped, and the machine ends if nothing is. */
bool kmapper_rig_read(const void* address, uint32_t* value);

/* -DKMAPPER_RIG_SPAWN, for both. Starts a thread that calls function(argument), and ends when that
 * returns. False: it cannot. The suite has up to four at a time, and about twenty in all. The
 * caller may sleep. */
bool kmapper_rig_spawn(void (*function)(void* argument), void* argument);
/* Lets other threads run. The caller may sleep. */
void kmapper_rig_yield(void);

/* -DKMAPPER_RIG_RUN_ON. Calls function(argument) on that CPU, which may be the caller's, with
 * interrupts on and no lock held. Returns true when the function has returned; false if there is no
 * such CPU. Two threads may call it for two CPUs: both functions then run at the same time, and one
 * may spin until the other has done something. Without this function the suite takes the machine
 * for one with one CPU. The caller may sleep. */
bool kmapper_rig_run_on(uint32_t cpu, void (*function)(void* argument), void* argument);

/* -DKMAPPER_RIG_INTERRUPT. Raises an interrupt on the caller's CPU, whose handler calls
 * function(argument). Returns after that. */
void kmapper_rig_interrupt(void (*function)(void* argument), void* argument);

/* --- 3. What the suite has ----------------------------------------------------------------------
 */

/* Runs the suite, and returns how many checks failed. Call it once, in a thread that may sleep,
 * with interrupts on, while no other thread uses kmapper. */
int kmapper_run_conformance(void);

#ifdef __cplusplus
} /* extern "C" */
#endif

/* NOLINTEND(readability-identifier-naming) */

#endif
