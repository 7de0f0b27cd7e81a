// kmapper/linux/kernel_stubs.h: code that is written as for the kernel does what it does there, and
// its mistakes are named.
#include "kernel_code.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "tests/process/start_anew.hpp"

namespace {

struct Code {
  const char* name;
  int (*run)();
};

class KernelCode : public testing::TestWithParam<Code> {};

TEST_P(KernelCode, DoesWhatItDoesInTheKernel) {
  EXPECT_EQ(GetParam().run(), 0) << "line of kernel_code.c";
}

constexpr Code kCode[] = {
    {"Numbers", kernel_numbers}, {"Bits", kernel_bits},
    {"Lists", kernel_lists},     {"Tables", kernel_tables},
    {"Folios", kernel_folios},   {"Atomics", kernel_atomics},
    {"Text", kernel_text},       {"Bytes", kernel_bytes},
    {"Errors", kernel_errors},   {"UserSpace", kernel_user_space},
    {"Locks", kernel_locks},     {"Completions", kernel_completions},
    {"Readers", kernel_readers}, {"Time", kernel_time},
    {"File", kernel_file},       {"Module", kernel_module},
};

INSTANTIATE_TEST_SUITE_P(, KernelCode, testing::ValuesIn(kCode),
                         [](const auto& info) { return std::string(info.param.name); });

bool with_an_error(int status) { return WIFSIGNALED(status) || WEXITSTATUS(status) != 0; }
bool well(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

struct Mistake {
  const char* name;
  int (*make)();
  bool (*ends)(int status);
  const char* line;  // a regular expression
};

class KernelMisuse : public testing::TestWithParam<Mistake> {
 protected:
  void SetUp() override { kmapper::process::start_death_tests_anew(); }
};

TEST_P(KernelMisuse, IsNamed) {
  EXPECT_EXIT(std::exit(GetParam().make()), GetParam().ends, GetParam().line);
}

constexpr Mistake kMistakes[] = {
    {"SleepUnderASpinlock", sleep_under_a_spinlock, with_an_error, "kmapper: .*; the other call "},
    {"SleepUnderARwlock", sleep_under_a_rwlock, with_an_error, "kmapper: .*; the other call "},
    {"SleepInAReader", sleep_in_a_reader, with_an_error,
     "kmapper: kmalloc with flags that may sleep .*; the other call "},
    {"MutexUnderASpinlock", mutex_under_a_spinlock, with_an_error, "kmapper: .*; the other call "},
    {"CopyToUserUnderASpinlock", copy_to_user_under_a_spinlock, with_an_error,
     "kmapper: .*; the other call "},
    {"SpinLockTwice", spin_lock_twice, with_an_error,
     "kernel BUG at .*kernel_mistakes.c:[0-9]*: spin_lock: the thread holds it already"},
    {"SpinUnlockOfAnotherThread", spin_unlock_of_another_thread, with_an_error,
     "kernel BUG at .*kernel_mistakes.c:[0-9]*: spin_unlock: the thread does not hold it"},
    {"MutexLockTwice", mutex_lock_twice, with_an_error,
     "kernel BUG at .*kernel_mistakes.c:[0-9]*: mutex_lock: the thread holds it already"},
    {"MutexUnlockTwice", mutex_unlock_twice, with_an_error,
     "kernel BUG at .*kernel_mistakes.c:[0-9]*: mutex_unlock: the thread does not hold it"},
    {"Bug", bug, with_an_error, "kernel BUG at .*kernel_mistakes.c:[0-9]*!"},
    {"BugOn", bug_on, with_an_error,
     "kernel BUG at .*kernel_mistakes.c:[0-9]*: !spin_is_locked.&spin."},
    {"CountBelowZero", count_below_zero, well,
     "WARNING: at .*kernel_mistakes.c:[0-9]*: refcount_t: below 0"},
    {"UseOfADeletedEntry", use_of_a_deleted_entry, with_an_error, ""},
    {"Warnings", warnings, well,
     "WARNING: at .*kernel_mistakes.c:[0-9]*: 1 . 1 == 2\n.*number 5\nWARNING: .*once only\n$"},
    {"Messages", messages, well, "^a message of 1\nan error of disk\ndisk0: a warning of 7\n5$"},
};

INSTANTIATE_TEST_SUITE_P(, KernelMisuse, testing::ValuesIn(kMistakes),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
