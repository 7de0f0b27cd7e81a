/* A C program's use of kmapper.h, for a C++ test. Each function returns 0, or the line of the
 * check that failed. */
#ifndef KMAPPER_TESTS_C_PROGRAM_H
#define KMAPPER_TESTS_C_PROGRAM_H

#ifdef __cplusplus
extern "C" {
#endif

/* NOLINTBEGIN(readability-redundant-declaration) */

/* The descriptor is of a file of 64 pages of 4096 bytes. */
int c_writes_and_reads(int descriptor);
int c_maps_across_granules(int descriptor);
int c_is_told_what_is_wrong(int descriptor);
int c_waits_within_limits(int descriptor);
int c_cancels_a_wait(int descriptor);
int c_opens_by_path(const char* path);
int c_resizes_and_discards(int descriptor);
int c_survives_a_file_cut_short(int descriptor);
int c_moves_a_cursor(int descriptor);
int c_keeps_pages_in_high_memory(void);
int c_reads_ahead(int descriptor);
int c_maps_several(int descriptor);
int c_keeps_a_part_for_spans(int descriptor);
int c_is_of_another_version(int descriptor);

/* In c_extras.c. */
int c_reads_statistics(int descriptor);
int c_appends(int descriptor);
int c_keeps_writes_to_itself(int descriptor);
int c_waits_for_a_prefetch(int descriptor);
int c_finds_pages_by_name(const char* path);

/* NOLINTEND(readability-redundant-declaration) */

#ifdef __cplusplus
}
#endif

#endif
