// Threads that work for a caller who waits for them.
#ifndef NC_THREAD_H
#define NC_THREAD_H
#include <pthread.h>
#include <signal.h>
#include <stdint.h>

// Starts up to `wanted` threads, all signals blocked: a Ctrl-C then always meets the caller's thread. Returns how many there
// are; fewer than wanted will do.
static inline int nc_threads_start(pthread_t *thread, int wanted, void *(*work)(void *), void *arg) {
  sigset_t all, before;
  int n = 0;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (n < wanted && pthread_create(&thread[n], NULL, work, arg) == 0) n++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return n;
}

// Calls work for parts of 0 … n - 1, of at least `least` each, by as many threads as there are cores, this one among them. Returns
// when all are done. The parts must have nothing to do with each other, and work must not jump out.
typedef void (*NcPartWork)(void *user, int64_t from, int64_t to);
void nc_threads_divide(int64_t n, int64_t least, NcPartWork work, void *user);
#endif
