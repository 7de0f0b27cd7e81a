/* Code that is written as for the kernel, with kmapper/linux/kernel_stubs.h in front of it, for a
 * C++ test. */
#ifndef KMAPPER_TESTS_KERNEL_CODE_H
#define KMAPPER_TESTS_KERNEL_CODE_H

/* For a function that returns 0, or the line of what is wrong. */
#define EXPECT(condition)              \
  do {                                 \
    if (!(condition)) return __LINE__; \
  } while (0)

#ifdef __cplusplus
extern "C" {
#endif

/* Return 0, or the line of what is wrong. */
int kernel_numbers(void);
int kernel_bits(void);
int kernel_lists(void);
int kernel_tables(void);
int kernel_folios(void);
int kernel_atomics(void);
int kernel_text(void);
int kernel_bytes(void);
int kernel_errors(void);
int kernel_user_space(void);
int kernel_locks(void);
int kernel_completions(void);
int kernel_readers(void);
int kernel_time(void);
int kernel_file(void);
int kernel_module(void);

/* Each makes one mistake, and returns 0. */
int sleep_under_a_spinlock(void);
int sleep_under_a_rwlock(void);
int sleep_in_a_reader(void);
int mutex_under_a_spinlock(void);
int copy_to_user_under_a_spinlock(void);
int spin_lock_twice(void);
int spin_unlock_of_another_thread(void);
int mutex_lock_twice(void);
int mutex_unlock_twice(void);
int bug(void);
int bug_on(void);
int count_below_zero(void);
int use_of_a_deleted_entry(void);
/* Print warnings, and go on. */
int warnings(void);
int messages(void);

#ifdef __cplusplus
}
#endif

#endif
