/* Runs a piece of kernel code, with the mistake that the argument says. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "mistake.h"

int mistake;

struct job {
  void (*function)(void* argument);
  void* argument;
};

static void* run(void* argument) {
  const struct job* const job = argument;
  job->function(job->argument);
  return NULL;
}

void in_a_thread(void (*function)(void* argument), void* argument) {
  struct job job = {function, argument};
  pthread_t thread;
  expect(pthread_create(&thread, NULL, run, &job) == 0);
  expect(pthread_join(thread, NULL) == 0);
}

void did_not_expect(const char* condition, const char* file, int line) {
  fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, condition);
  exit(3);
}

int main(int argc, char** argv) {
  mistake = argc > 1 ? atoi(argv[1]) : 0;
  return drive();
}
