#include "data/pictures.h"
#include <setjmp.h>
#include <unistd.h>
#include "base/thread.h"

enum { MOST_THREADS = 16 };

bool nc_picture_decode(NcArena *scratch, NcDiag *d, NcRange at, const char *path, NcImage *out) {
  NcBytes b;
  return nc_bytes_read(scratch, d, at, path, 0, &b) && nc_image_parse(scratch, d, &b, out);
}

typedef struct {
  const char *const *path;
  int64_t next, failed;      // failed: the first that is wrong, the number of all where none is
  const NcPictureForm *form;
  NcRange at;
  unsigned char *out;
  bool no_memory;
  pthread_mutex_t lock;      // of next, failed, no_memory
} Work;

static size_t bytes_each(const NcPictureForm *f) { return (size_t)f->channels * (size_t)f->height * (size_t)f->width; }

static bool put(const Work *w, NcArena *scratch, NcDiag *d, int64_t i) {
  const NcPictureForm *f = w->form;
  NcImage m;
  if (!nc_picture_decode(scratch, d, w->at, w->path[i], &m)) return false;
  if (f->exact && (m.height != f->height || m.width != f->width)) {
    nc_help(d, nc_error(d, NC_E0405, w->at, "`%s` is %d by %d points large, but `%s` is %d by %d", w->path[i], m.width, m.height,
                        w->path[0], f->width, f->height),
            "say to which size they shall be brought: `height = 64, width = 64`");
    return false;
  }
  nc_image_fit(scratch, &m, f->fit, f->channels, f->height, f->width, w->out + (size_t)i * bytes_each(f));
  return true;
}

// One image, in memory of its own. -1: there is none; 0: the file is wrong. Without `d` nobody is told.
static int one(const Work *w, NcDiag *d, int64_t i) {
  NcArena *scratch = nc_arena_new();
  if (!scratch || NC_ON_OOM(scratch)) {
    nc_arena_free(scratch);
    return -1;
  }
  int good = put(w, scratch, d ? d : nc_diag_new(scratch), i);
  nc_arena_free(scratch);
  return good;
}

// Files are taken in order, and none behind one that is wrong; so all before the first of these are read.
static void *work(void *arg) {
  Work *w = arg;
  pthread_mutex_lock(&w->lock);
  while (w->next < w->failed && !w->no_memory) {
    int64_t i = w->next++;
    pthread_mutex_unlock(&w->lock);
    int good = one(w, NULL, i);
    pthread_mutex_lock(&w->lock);
    if (good < 0) w->no_memory = true;
    if (good == 0 && i < w->failed) w->failed = i;
  }
  pthread_mutex_unlock(&w->lock);
  return NULL;
}

bool nc_pictures_read(NcArena *a, NcDiag *d, NcRange at, const char *const *path, int64_t n, const NcPictureForm *form,
                      unsigned char *out) {
  Work w = {.path = path, .failed = n, .form = form, .at = at, .out = out};
  pthread_t thread[MOST_THREADS];
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  int64_t more = cores > MOST_THREADS ? MOST_THREADS : cores - 1;     // this one works too
  if (more > n / 4) more = n / 4;                                     // a few are read sooner than a thread begins
  pthread_mutex_init(&w.lock, NULL);
  int threads = nc_threads_start(thread, more > 0 ? (int)more : 0, work, &w);
  work(&w);
  for (int i = 0; i < threads; i++) pthread_join(thread[i], NULL);
  pthread_mutex_destroy(&w.lock);
  int good = w.no_memory ? -1 : w.failed < n ? one(&w, d, w.failed) : 1;   // once more, to say what is wrong
  if (good < 0) longjmp(*nc_arena_oom(a), 1);
  return good && w.failed == n;
}
