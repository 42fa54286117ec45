// What a plan costs before its first run is over: its program is built and its steps are run once, one by one, each
// waited for. Drivers make machine code at a kernel's first launch, so that is the time shown beside it.
//   bench/cold PLAN [DEVICE]      PLAN: what `nacre emit --plan` prints; inputs are zeros, variables too
// Processor time, of this process and of those that the driver starts. Run it with empty caches:
//   POCL_CACHE_DIR and XDG_CACHE_HOME naming fresh folders.
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include "base/file.h"
#include "device/exec_internal.h"

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec * 1e-6; }

static double used_by(int who) {
  struct rusage r;
  getrusage(who, &r);
  return seconds(r.ru_utime) + seconds(r.ru_stime);
}

static double used(void) { return used_by(RUSAGE_SELF) + used_by(RUSAGE_CHILDREN); }

static bool zeros(NcLoaded *l, NcDiag *d) {
  for (int i = 0; i < l->plan->buf.n; i++) {
    const NcPlanBuf *b = &l->plan->buf.at[i];
    if (b->kind == NC_BUF_INPUT && !nc_fill(l->x, d, l->mem[i], 0, b->bytes)) return false;
  }
  return true;
}

static bool first_run(NcLoaded *l, NcDiag *d, double began) {
  const NcPlan *p = l->plan;
  int kernels = 0;
  if (!nc_ready(l, d) || !zeros(l, d)) return false;
  double start = used();
  for (NcSteps w = {.plan = p}; nc_steps_next(&w);) {
    const NcStep *s = &p->step.at[w.step];
    bool again = w.turn > 0;
    for (int i = 0; i < w.step && s->kernel && !again; i++)
      again = p->step.at[i].kernel && strcmp(p->step.at[i].kernel, s->kernel) == 0;
    double before = used();
    if (!nc_launch(l, d, l->x->queue, &w, NULL) || !nc_exec_finish(l->x, d)) return false;
    if (s->kernel && !again) printf("%7.3f s  %-32s %s\n", used() - before, s->kernel, s->label ? s->label : "");
    kernels += s->kernel && !again;
  }
  printf("program of %zu bytes built and loaded %.3f s, %d steps of %d kernels run %.3f s\n", strlen(p->program), start - began,
         p->step.n, kernels, used() - start);
  return true;
}

static bool cold(NcArena *a, NcDiag *d, const char *path, const char *choice) {
  size_t n;
  const char *text = nc_read_file(a, d, NC_E0601, NC_NOWHERE, path, &n);
  NcPlan *p = text ? nc_plan_read(a, d, path, text, n) : NULL;
  NcDevices *all = p ? nc_devices_open(a, d) : NULL;
  NcDevice *dev = all ? nc_device_open(all, d, &(NcDeviceOptions){.choice = choice, .no_probes = true}) : NULL;
  NcExec *x = dev ? nc_exec_new(a, d, dev) : NULL;
  double began = used();
  NcLoaded *l = x ? nc_exec_load(x, d, p) : NULL;
  if (l) printf("%d parts of programs, %d compiled by aides\n", dev->built, dev->helped);
  bool good = l && first_run(l, d, began);
  nc_exec_free(x);
  nc_device_close(dev);
  if (good) printf("this process %.3f s, the linker and aides %.3f s\n", used_by(RUSAGE_SELF), used_by(RUSAGE_CHILDREN));
  nc_devices_close(all);
  return good;
}

int main(int argc, char **argv) {
  if (argc < 2) return fprintf(stderr, "usage: %s PLAN [DEVICE]\n", argv[0]), 2;
  NcArena *a = nc_arena_new();
  if (!a || NC_ON_OOM(a)) return fputs("out of memory\n", stderr), 1;
  NcDiag *d = nc_diag_new(a);
  bool good = cold(a, d, argv[1], argc > 2 ? argv[2] : NULL);
  for (int i = 0; !good && i < d->messages.n; i++) fprintf(stderr, "%s\n", d->messages.at[i]->text);
  nc_arena_free(a);
  return !good;
}
