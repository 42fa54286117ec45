// Threads that work for a caller who waits for them.
#ifndef NC_THREAD_H
#define NC_THREAD_H
#include <pthread.h>
#include <signal.h>

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
#endif
