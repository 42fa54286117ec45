// The parts of a plan's program become programs of the driver: one after the other here, or, where that takes long, by
// aides too. Whether it takes long is seen by the processor time that the first part takes: what the driver finds in its
// own cache takes a small part of that.
#include "device/aides.h"
#include "base/thread.h"
#include <string.h>
#include <time.h>

// A cached program of PoCL takes about 0.04 s, another one 0.25 s and more.
static const double cached = 0.12, look = 0.03, least = 5;   // seconds; the last: that an aide has for a part, whatever ours take

typedef struct {
  NcAides *aides;
  NcBuf message;
  int parts;
  double began;              // processor time
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool watched, over;        // the thread began; it is to end
} Watch;

typedef struct {
  NcDevice *dev;
  cl_command_queue queue;
  NcDiag *diag;
  const NcParts *parts;
  const char *options;
  cl_program *program;       // by part
} Build;

static double at(clockid_t clock) {
  struct timespec t;
  return clock_gettime(clock, &t) ? 0 : (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

bool nc_bank_ready(NcDevice *dev, cl_command_queue queue, cl_program program) {
  static const size_t one[3] = {1, 1, 1};
  NcCl *cl = dev->cl;
  cl_int err = 0, none = 0;
  cl_kernel kernel = NC_MAKE(cl, &err, clCreateKernel, (program, NC_BANK_NAME, &err));
  if (err) return false;
  for (cl_uint i = 0; !err && i < NC_BANK_TABLE; i++) err = NC_CALL(cl, clSetKernelArg, (kernel, i, sizeof none, &none));
  for (cl_uint i = NC_BANK_TABLE; !err && i < NC_BANK_ARGS; i++) err = NC_CALL(cl, clSetKernelArg, (kernel, i, sizeof(cl_mem), NULL));
  if (!err) err = NC_CALL(cl, clEnqueueNDRangeKernel, (queue, kernel, 3, NULL, one, one, 0, NULL, NULL));
  if (!err) err = NC_CALL(cl, clFinish, (queue));
  cl->clReleaseKernel(kernel);
  return !err;
}

static bool build(Build *b, int part) {
  if (!b->program[part]) b->program[part] = nc_program_build(b->dev, b->diag, b->parts->text[part], b->options);
  return b->program[part] != NULL;
}

// Aides are called while the first part is still being built.
static void *watch(void *arg) {
  Watch *w = arg;
  pthread_mutex_lock(&w->lock);
  while (!w->over && at(CLOCK_PROCESS_CPUTIME_ID) - w->began < cached) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(look * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&w->changed, &w->lock, &until);
  }
  if (!w->over) nc_aides_offer(w->aides, &w->message, w->parts);
  pthread_mutex_unlock(&w->lock);
  return NULL;
}

static void stop_watching(Watch *w) {
  pthread_mutex_lock(&w->lock);
  w->over = true;
  pthread_cond_signal(&w->changed);
  pthread_mutex_unlock(&w->lock);
  if (w->watched) pthread_join(w->thread, NULL);
  pthread_cond_destroy(&w->changed);
  pthread_mutex_destroy(&w->lock);
}

// The first part, watched; aides that are there already begin at once.
static bool build_first(Build *b, NcAides *h) {
  Watch w = {.aides = h, .message = NC_BUF(b->parts->arena), .parts = b->parts->parts, .began = at(CLOCK_PROCESS_CPUTIME_ID)};
  nc_aides_tell(&w.message, b->dev, b->parts, b->options);
  if (nc_aides_count(h)) {
    nc_aides_offer(h, &w.message, w.parts);
    return build(b, 0);
  }
  pthread_mutex_init(&w.lock, NULL);
  pthread_cond_init(&w.changed, NULL);
  NcArena *arena = b->diag->arena;
  jmp_buf outer;               // no memory: who watches knows this stack, and ends on the way out
  memcpy(&outer, nc_arena_oom(arena), sizeof outer);
  w.watched = nc_threads_start(&w.thread, 1, watch, &w) == 1;
  bool jumped = NC_ON_OOM(arena), ok = !jumped && build(b, 0);
  memcpy(nc_arena_oom(arena), &outer, sizeof outer);
  stop_watching(&w);
  if (jumped) longjmp(outer, 1);
  return ok;
}

// Each part with its machine code, as long as there is one that nobody has begun. What aides have claimed is waited for
// four times as long as the slowest of ours took.
static bool build_among(Build *b, NcAides *h) {
  double began = at(CLOCK_MONOTONIC), slowest = 0;
  int theirs = b->parts->parts - 1;
  if (!build_first(b, h)) return false;
  if (!nc_aides_count(h)) return true;
  for (int part = 0;; theirs--) {
    if (b->parts->bank[part]) nc_bank_ready(b->dev, b->queue, b->program[part]);
    double now = at(CLOCK_MONOTONIC);
    if (now - began > slowest) slowest = now - began;
    began = now;
    if (!(part = nc_aides_claim(h))) break;
    if (!build(b, part)) return false;
  }
  b->dev->helped += nc_aides_collect(h, theirs, least + 4 * slowest);
  return true;
}

bool nc_parts_build(NcDevice *dev, cl_command_queue queue, NcDiag *d, const NcParts *p, const char *options, cl_program *program) {
  Build b = {dev, queue, d, p, options, program};
  bool ok = true, may = p->parts > 1 && p->bank[0];
  if (may && !dev->aides) dev->aides = nc_aides_new(dev);
  if (may && dev->aides) ok = build_among(&b, dev->aides);
  for (int i = 0; ok && i < p->parts; i++) ok = build(&b, i);
  if (!ok) nc_aides_end(dev->aides);
  dev->built += p->parts;
  return ok;
}
