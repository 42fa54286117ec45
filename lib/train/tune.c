// `nacre tune`: a search over the choices that products and convolutions have on this device. All that touches the device is
// done in child processes. What is found is kept shape by shape, so that a search can be stopped and gone on with.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "base/file.h"
#include "device/check.h"
#include "train/run.h"
#include "train/tune.h"

enum { MOST_TRIES = 10, SECONDS = 60 };

typedef struct {
  NacreModel *m;
  const NacreTuneOptions *o;
  NacreWrite *write;
  void *ctx;
  NcTuneDevice device;
  NcTuned *table, *asked;    // what is known of this device; what the model's plans ask for
  const char *path;
  NcTry *shared;
  int done, left;
} Tune;

// ---- what the model asks for: with the choices that are taken now, which what is known of near sizes may have decided. A way
// that is not taken hides what would be asked beyond it; a further call finds that.

static bool ask_graph(NacreModel *m, NcDiag *d, const NcGraph *g, const NcTarget *t) {
  return !g || nc_compile(m->arena, d, g, t, &(NcCompileOptions){.name = "tune"});
}

static bool ask_all(NacreModel *m, void *arg) {
  NcBuf *out = arg;
  if (!nc_engine_device(m)) return false;
  NcTarget t = *nc_device_target(m->device);
  const char *key = nc_device_tuned_key(m->device, m->arena);
  NcTuned *asked = nc_tuned_new(m->arena, key);
  if (!t.tuned) t.tuned = nc_tuned_new(m->arena, key);
  t.tuned->ask = true;
  const NcProgram *p = m->program;
  bool good = ask_graph(m, m->diag, p->eval, &t) && ask_graph(m, m->diag, p->predict, &t);
  for (int i = 0; good && i < p->update.n; i++)
    good = ask_graph(m, m->diag, p->update.at[i].graph, &t) && ask_graph(m, m->diag, p->update.at[i].gather, &t);
  for (int i = 0; i < t.tuned->asked.n; i++) nc_tuned_set(asked, &t.tuned->asked.at[i]);
  nc_tuned_print(asked, out);
  return good;
}

static bool ask_in_child(void *user, NcArena *a, NcDiag *d, NcBuf *out) {
  (void)a;
  return nc_guard_child(user, d, ask_all, out);
}

static int dearer(const void *a, const void *b) {
  const double x = nc_tune_flops(a), y = nc_tune_flops(b);
  return (x < y) - (x > y);
}

static bool look(Tune *q) {
  NacreModel *m = q->m;
  NcBuf b = NC_BUF(m->arena);
  if (!nc_run_in_child(m->arena, m->diag, 0, ask_in_child, m, &b)) return false;
  q->asked = nc_tuned_read(m->arena, nc_buf_str(&b), b.n);
  if (!q->asked) return nc_error(m->diag, NC_E0901, NC_NOWHERE, "what the plans ask for cannot be read"), false;
  q->path = nc_tuned_path(m->arena, q->asked->key);
  if (!q->path) {
    nc_help(m->diag, nc_error(m->diag, NC_E0602, NC_NOWHERE, "there is no folder to keep what is found"), "set HOME or XDG_CACHE_HOME");
    return false;
  }
  q->table = nc_tuned_recall(m->arena, q->asked->key);
  if (!q->table) q->table = nc_tuned_new(m->arena, q->asked->key);
  if (q->asked->known.n) qsort(q->asked->known.at, (size_t)q->asked->known.n, sizeof(NcTuning), dearer);
  return true;
}

// ---- one shape

typedef struct { double usual, best; int64_t first[NC_TUNED_CHOICES]; int tried, wrong, crashed; } Found;

// Quicker in nearly every round: on a machine that others use a median alone tells little.
static bool surely(const NcTry *c, const NcTry *usual) {
  int quicker = 0;
  for (int r = 0; r < NC_TRY_ROUNDS; r++) quicker += c->round[r] > 0 && (usual->round[r] <= 0 || c->round[r] < usual->round[r]);
  return quicker >= NC_TRY_ROUNDS - 1;
}

// Measures `usual`, `best` and what lies beside it. True when something quicker than `best` was found.
static bool generation(Tune *q, NcTuning *best, Found *f, bool *failed) {
  const double better = 0.97;
  int64_t beside[MOST_TRIES][NC_TUNED_CHOICES];
  int n = 0, around = nc_tune_neighbours(best, beside, MOST_TRIES - 2);
  memset(q->shared, 0, MOST_TRIES * sizeof *q->shared);
  q->shared[n++].usual = true;
  if (memcmp(best->choice, f->first, sizeof f->first) != 0) memcpy(q->shared[n++].choice, best->choice, sizeof best->choice);
  for (int i = 0; i < around; i++) memcpy(q->shared[n++].choice, beside[i], sizeof beside[i]);
  if (!nc_tune_try(q->m->arena, q->m->diag, &q->device, best, q->shared, n)) return *failed = true, false;
  const NcTry *usual = &q->shared[0], *quickest = usual;
  for (int i = 0; i < n; i++) {
    const NcTry *c = &q->shared[i];
    f->tried += c->state == NC_TRY_TIMED;
    f->wrong += c->state == NC_TRY_WRONG;
    f->crashed += c->state == NC_TRY_CRASHED;
    if (c->state == NC_TRY_TIMED && c->seconds < quickest->seconds && surely(c, usual)) quickest = c;
  }
  if (usual->state != NC_TRY_TIMED) return false;
  f->usual = usual->seconds;
  memcpy(f->first, usual->choice, sizeof f->first);
  bool found = quickest->seconds < better * usual->seconds;
  const NcTry *take = found ? quickest : usual;
  f->best = take->seconds;
  bool other = memcmp(take->choice, best->choice, sizeof take->choice) != 0;
  memcpy(best->choice, take->choice, sizeof take->choice);
  return found && other;
}

static void tell(Tune *q, const NcTuning *k, const Found *f) {
  NcBuf b = NC_BUF(q->m->arena);
  double gain = f->best > 0 ? f->usual / f->best : 0;
  if (q->m->o.json) {
    nc_putf(&b, "{\"kind\":\"%s\",\"sizes\":[", k->kind);
    for (int i = 0; i < k->sizes; i++) nc_putf(&b, "%s%lld", i ? "," : "", (long long)k->size[i]);
    nc_put(&b, "],\"choice\":{");
    for (int i = 0; i < k->choices; i++) nc_putf(&b, "%s\"%s\":%lld", i ? "," : "", nc_tune_choice_name(k, i), (long long)k->choice[i]);
    nc_putf(&b, "},\"usual_ms\":%.6g,\"ms\":%.6g,\"gain\":%.4g,\"tried\":%d,\"wrong\":%d,\"crashed\":%d}\n", f->usual * 1e3, f->best * 1e3,
            gain, f->tried, f->wrong, f->crashed);
  } else {
    nc_putf(&b, "%5.2f× ", gain);
    nc_putf(&b, "%9.3f ms  %s:", f->best * 1e3, nc_tune_name(q->m->arena, k));
    for (int i = 0; i < k->choices; i++) nc_putf(&b, " %s %lld", nc_tune_choice_name(k, i), (long long)k->choice[i]);
    nc_putf(&b, " (%d tried", f->tried);
    if (f->wrong) nc_putf(&b, ", %d wrong", f->wrong);
    if (f->crashed) nc_putf(&b, ", %d crashed", f->crashed);
    nc_put(&b, ")\n");
  }
  q->write(q->ctx, nc_buf_str(&b), b.n);
}

// Two steps from the usual choice, each to the best of what lies around; then it is kept, at once.
static bool search(Tune *q, const NcTuning *asked) {
  NcTuning k = *asked;
  Found f = {0};
  bool failed = false;
  if (generation(q, &k, &f, &failed) && k.choices > 1) generation(q, &k, &f, &failed);
  if (failed) return false;
  if (f.usual <= 0) {
    if (f.wrong || f.crashed) {
      NcMessage *w = nc_warn(q->m->diag, NC_E0505, NC_NOWHERE, "%s: what is taken usually %s", nc_tune_name(q->m->arena, &k),
                             f.crashed ? "ends the process" : "gives wrong results");
      nc_help(q->m->diag, w, "`nacre doctor` checks this device");
    }
    q->left--;
    return true;           // it cannot be measured by itself
  }
  nc_tuned_set(q->table, &k);
  if (!nc_tuned_keep(q->m->arena, q->m->diag, q->table, q->path)) return false;
  q->done++, q->left--;
  tell(q, &k, &f);
  return true;
}

// ---- in and out

static bool import(Tune *q) {
  NcDiag *d = q->m->diag;
  size_t size;
  const char *text = nc_read_file(q->m->arena, d, NC_E0601, NC_NOWHERE, q->o->import, &size);
  NcTuned *t = text ? nc_tuned_read(q->m->arena, text, size) : NULL;
  if (!text) return false;
  if (!t) return nc_error(d, NC_E0702, NC_NOWHERE, "`%s` is not what `nacre tune --output` writes", q->o->import), false;
  if (strcmp(t->key, q->table->key) != 0) {
    NcMessage *e = nc_error(d, NC_E0702, NC_NOWHERE, "`%s` was found on another device", q->o->import);
    nc_note(d, e, "there: %s", t->key);
    nc_note(d, e, "here: %s", q->table->key);
    return false;
  }
  for (int i = 0; i < t->known.n; i++) nc_tuned_set(q->table, &t->known.at[i]);
  return nc_tuned_keep(q->m->arena, d, q->table, q->path);
}

static void end(Tune *q, int known) {
  NcBuf b = NC_BUF(q->m->arena);
  if (q->m->o.json) {
    nc_putf(&b, "{\"searched\":%d,\"known\":%d,\"left\":%d,\"file\":", q->done, known, q->left);
    nc_put_json(&b, q->path);
    nc_put(&b, "}\n");
  } else {
    nc_putf(&b, "%d searched, %d known before, %d left%s\nkept in %s\n", q->done, known, q->left,
            q->left ? ": the time was over, a further call goes on" : "", q->path);
  }
  q->write(q->ctx, nc_buf_str(&b), b.n);
}

static bool tune(NacreModel *m, void *arg) {
  Tune *q = arg;
  q->m = m;
  q->device = (NcTuneDevice){m->o.device, m->o.device_class};
  if (!look(q) || (q->o->import && !import(q))) return false;
  int known = 0;
  for (int i = 0; i < q->asked->known.n; i++) known += nc_tuned_exact(q->table, &q->asked->known.at[i]) != NULL;
  q->left = q->asked->known.n - known;
  q->shared = mmap(NULL, MOST_TRIES * sizeof *q->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (q->shared == MAP_FAILED) return nc_error(m->diag, NC_E0606, NC_NOWHERE, "out of memory"), false;
  bool good = true;
  double until = nc_now() + (q->o->seconds > 0 ? q->o->seconds : SECONDS);
  for (int i = 0; good && i < q->asked->known.n && nc_now() < until; i++)
    if (!nc_tuned_exact(q->table, &q->asked->known.at[i])) good = search(q, &q->asked->known.at[i]);
  munmap(q->shared, MOST_TRIES * sizeof *q->shared);
  if (good && q->o->output) good = nc_tuned_keep(m->arena, m->diag, q->table, q->o->output);
  if (good) end(q, known);
  return good;
}

NacreStatus nacre_tune(NacreModel *m, const NacreTuneOptions *o, NacreWrite *write, void *ctx) {
  static const NacreTuneOptions usual;
  return nc_guard_given(m, write, tune, &(Tune){.o = o ? o : &usual, .write = write, .ctx = ctx});
}
