// Times training steps of a .nn file on one device: median milliseconds of a step, several rounds.
//   bench/step FILE [ROUNDS [STEPS [DEVICE]]]
// Prints a line per round: what a script needs to interleave it with a peer. One batch is fed again and again.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "train/model.h"
#include "train/run.h"

typedef struct { int rounds, steps; double build; } Bench;

static bool bench(NacreModel *m, void *arg) {
  Bench *b = arg;
  double began = nc_now();
  if (!nc_feed_data(m)) return false;
  NcCompiled *c = nc_engine_get(m, "step", 0);
  NcFeedMap map;
  if (!c || !nc_feed_map(m, c, &map)) return false;
  const NcSplit *train = nc_feed_split(m, "train");
  m->loader = nc_loader_new(m->diag, &(NcLoaderOptions){.data = m->data, .index = train->index, .n = train->n, .field = map.field,
                                                        .fields = map.n, .batch = c->batch, .train = true, .keep = 3});
  if (!m->loader) return false;
  uint32_t seed[2] = {1, 0};
  int loss = nc_plan_output(c->plan, "loss");
  float value = 0;
  printf("launches %d  planned bytes %zu\n", c->plan->step.n, nc_plan_bytes(c->plan));
  for (int r = 0; r <= b->rounds; r++) {   // round 0 warms up
    double start = nc_now();
    for (int i = 0; i < b->steps; i++) {
      int32_t step = r * b->steps + i;
      NcBatch batch;
      nc_loader_next(m->loader, &batch);
      if (!nc_feed_batch_write(m, c, &map, batch.field, &(NcFeedNow){.step = &step, .seed = seed}) || !nc_exec_run(c->loaded, m->diag) ||
          !nc_exec_read(c->loaded, m->diag, loss, &value, sizeof value, true))
        return false;
      if (r == 0 && i == 0) printf("first step after %.3f s\n", nc_now() - began);
    }
    if (r > 0) printf("step %.4f ms\n", (nc_now() - start) * 1e3 / b->steps);
    fflush(stdout);
  }
  printf("loss %.6f\n", (double)value);
  if (getenv("NACRE_BENCH_PROFILE")) {
    double *least = NC_NEW_N(m->arena, double, c->plan->step.n + 1);    // of many runs: what else the machine does adds time
    for (int i = 0; i < 20; i++) {
      NcProfile *p = nc_profile_new(m->arena, c->plan);
      if (!nc_exec_run_profiled(c->loaded, m->diag, p)) return false;
      for (int k = 0; k < p->n; k++) least[k] = i && least[k] < p->step[k].ns ? least[k] : p->step[k].ns;
    }
    for (int i = 0; i < c->plan->step.n; i++) {
      const NcStep *s = &c->plan->step.at[i];
      double us = least[i] / 1e3;
      printf("%9.1f us %7.1f GFLOP/s %7.1f GB/s  %-28s %s %s\n", us, s->flops / us / 1e3, s->bytes / us / 1e3,
             s->kernel ? s->kernel : "(copy, fill or gemm)", s->label ? s->label : "", s->at ? s->at : "");
    }
  }
  return true;
}

int main(int argc, char **argv) {
  if (argc < 2) return fprintf(stderr, "usage: %s FILE [ROUNDS [STEPS [DEVICE]]]\n", argv[0]), 2;
  Bench b = {argc > 2 ? atoi(argv[2]) : 5, argc > 3 ? atoi(argv[3]) : 50, 0};
  NacreOptions o = {.device = argc > 4 ? argv[4] : NULL, .device_class = getenv("NACRE_BENCH_CLASS")};
  NacreModel *m;
  NacreStatus s = nacre_open(argv[1], &o, &m);
  if (s == NACRE_OK) s = nc_guard(m, bench, &b);
  if (m) fputs(nacre_message(m), stderr);
  nacre_close(m);
  return (int)s;
}
