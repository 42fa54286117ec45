#include "base/thread.h"
#include <unistd.h>

enum { MOST = 8 };

typedef struct { NcPartWork work; void *user; int64_t from, to; } Part;

static void *run(void *arg) {
  Part *p = arg;
  p->work(p->user, p->from, p->to);
  return NULL;
}

void nc_threads_divide(int64_t n, int64_t least, NcPartWork work, void *user) {
  Part part[MOST];
  pthread_t thread[MOST];
  int64_t cores = sysconf(_SC_NPROCESSORS_ONLN), parts = cores > MOST ? MOST : cores;
  if (parts > n / least) parts = n / least;
  if (parts < 1) parts = 1;
  int started = 0;
  for (int i = 0; i < parts; i++) part[i] = (Part){work, user, n / parts * i, i + 1 == parts ? n : n / parts * (i + 1)};
  while (started + 1 < parts && nc_threads_start(&thread[started], 1, run, &part[started + 1])) started++;
  for (int i = 0; i < parts; i++)
    if (i == 0 || i > started) run(&part[i]);
  for (int i = 0; i < started; i++) pthread_join(thread[i], NULL);
}
