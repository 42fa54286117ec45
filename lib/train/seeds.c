// The same training with several seeds, each in a run directory of its own, and what their scores have in common: mean and
// confidence interval. Whatever is finished stays: a call that goes on trains what is left.
//
//   DIR/seeds.json   how many, from which, and the score of each that is done      DIR/seed-7   a run directory
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "train/plain.h"
#include "train/run.h"
#include "train/student.h"

enum { MOST = 10000 };

typedef struct {
  const char *file;
  const NacreOptions *o;
  const NacreTrainOptions *t;
  NcSink sink;
  int seeds;
  NcArena *a;
  NcDiag *d;
  NacreModel *base;          // holds the lock of the folder; knows the recipe
  const char *dir, *split;
  bool made;                 // this call made the folder
  int64_t first;
  json_t *scores;            // {"seed-7": {"loss": 0.1, …}}
  NacreStatus status;        // of a model's call that failed, and what it said
  char *message;
} Seeds;

static bool exists(const char *path) { return access(path, F_OK) == 0; }

// Closes a model after a call of it, and keeps what it had to say: warnings of the first, or an error.
static bool done(Seeds *q, NacreModel *m, NacreStatus s) {
  const char *text = m ? nacre_message(m) : "error[E0606]: out of memory\n";
  if (*text && (!q->message || s != NACRE_OK)) {
    free(q->message);
    q->message = strdup(text);
  }
  if (s != NACRE_OK) q->status = s;
  if (m != q->base) nacre_close(m);
  return s == NACRE_OK;
}

static const char *name_of(Seeds *q, int k) { return nc_sprintf(q->a, "seed-%lld", (long long)(q->first + k)); }
static const char *folder_of(Seeds *q, int k) { return nc_sprintf(q->a, "%s/%s", q->dir, name_of(q, k)); }

// ---- seeds.json

static json_t *number(double v) { return isfinite(v) ? json_real(v) : json_null(); }

static bool mean_of(Seeds *q, const char *metric, NcSpread *out) {
  double *v = NC_NEW_N(q->a, double, q->seeds + 1);
  int n = 0;
  for (int k = 0; k < q->seeds; k++) {
    const json_t *x = json_object_get(json_object_get(q->scores, name_of(q, k)), metric);
    if (!x) return false;
    v[n++] = json_is_number(x) ? json_number_value(x) : NAN;
  }
  *out = nc_spread(v, n);
  return true;
}

// Of every metric, once all seeds have their scores; else empty.
static json_t *summary(Seeds *q) {
  json_t *all = json_array();
  const char *metric;
  json_t *value;
  json_object_foreach(json_object_get(q->scores, name_of(q, 0)), metric, value) {
    NcSpread s;
    if (!mean_of(q, metric, &s)) break;
    json_t *values = json_array();
    for (int k = 0; k < q->seeds; k++)
      json_array_append(values, json_object_get(json_object_get(q->scores, name_of(q, k)), metric));
    json_array_append_new(all, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "metric", metric, "mean", number(s.mean), "low",
                                         number(s.mean - s.half), "high", number(s.mean + s.half), "deviation",
                                         number(s.deviation), "values", values));
  }
  return all;
}

static bool save(Seeds *q) {
  json_t *j = json_pack("{s:i, s:i, s:I, s:s, s:O, s:o}", "nacre_seeds", 1, "seeds", q->seeds, "first", (json_int_t)q->first,
                        "split", q->split, "scores", q->scores, "metrics", summary(q));
  char *text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;
  json_decref(j);
  if (!text) return nc_error(q->d, NC_E0606, NC_NOWHERE, "out of memory for seeds.json"), false;
  bool good = nc_write_file(q->d, nc_sprintf(q->a, "%s/seeds.json", q->dir), text, strlen(text));
  free(text);
  return good;
}

static bool load(Seeds *q) {
  const char *path = nc_sprintf(q->a, "%s/seeds.json", q->dir);
  json_error_t e;
  json_t *j = json_load_file(path, 0, &e);
  json_int_t n = json_integer_value(json_object_get(j, "seeds"));
  q->first = json_integer_value(json_object_get(j, "first"));
  bool good = json_integer_value(json_object_get(j, "nacre_seeds")) == 1 && n >= 1 && n <= MOST && q->first >= 0 &&
              q->first <= INT64_MAX - MOST;
  if (good && q->seeds && q->seeds < n) {
    nc_error(q->d, NC_E0704, NC_NOWHERE, "`%s` has %lld seeds already, which is more than %d", q->dir, (long long)n, q->seeds);
    json_decref(j);
    return false;
  }
  if (!good) {
    nc_help(q->d, nc_error(q->d, NC_E0604, NC_NOWHERE, "`%s` cannot be gone on with: %s", path, j ? "it is none of a training with seeds" : e.text),
            "`nacre train FILE --seeds N --out DIR` makes one");
  } else if (!q->seeds) q->seeds = (int)n;
  json_t *scores = json_object_get(j, "scores");
  q->scores = json_is_object(scores) ? json_incref(scores) : json_object();
  json_decref(j);
  return good;
}

// ---- what is trained

// A run in the folder itself, or of the seed that seeds.json begins with. A seeds.json without any is what a call left that was
// killed before its first step: nothing would be lost with it, and nothing can be gone on with.
static bool trained(Seeds *q) {
  if (exists(nc_sprintf(q->a, "%s/run.json", q->dir))) return true;
  json_t *j = json_load_file(nc_sprintf(q->a, "%s/seeds.json", q->dir), 0, NULL);
  const char *first = j ? nc_sprintf(q->a, "%s/seed-%lld/run.json", q->dir, (long long)json_integer_value(json_object_get(j, "first"))) : NULL;
  json_decref(j);
  return first && exists(first);
}

static bool begin(Seeds *q) {
  NacreStatus s;
  if (q->t->resume) {
    q->dir = nc_strdup(q->a, q->t->resume);
    if (!load(q)) return false;
    s = nc_open_again(folder_of(q, 0), q->o, &q->base);
    if (!done(q, q->base, s)) return false;
    if (!nc_run_lock(q->base, q->dir)) return done(q, q->base, NACRE_RUN);
  } else {
    s = nacre_open(q->file, q->o, &q->base);
    if (!done(q, q->base, s)) return false;
    if (!q->base->program->recipe) return done(q, q->base, nacre_train(q->base, q->t));   // which says that there is none
    q->made = !q->t->out || !exists(q->t->out);
    if (!nc_run_folder(q->base, q->t->out, &q->dir)) return done(q, q->base, NACRE_RUN);
    q->first = (int64_t)q->base->program->recipe->seed;
    q->scores = json_object();
    if (!q->t->force && trained(q)) {
      nc_help(q->d, nc_error(q->d, NC_E0602, NC_NOWHERE, "`%s` holds an earlier training", q->dir),
              "go on with it by --resume %s, replace it by --force, or choose another --out", q->dir);
      return false;
    }
  }
  q->split = nc_feed_unseen(q->base->program->recipe);
  return save(q);
}

// After an error before the first step nothing stays but what was there.
static void leave_nothing(Seeds *q) {
  if (trained(q)) return;
  unlink(nc_sprintf(q->a, "%s/seeds.json", q->dir));
  if (q->made) rmdir(q->dir);
}

// The first is of the file, all others of what the first one froze: nobody waits with an edit until the last has begun.
static NacreStatus open_one(Seeds *q, int k, NacreModel **m) {
  NacreOptions o = *q->o;
  const char **set = NC_NEW_N(q->a, const char *, o.sets + 1);
  for (int i = 0; i < o.sets; i++) set[i] = o.set[i];
  set[o.sets++] = nc_sprintf(q->a, "train.seed=%lld", (long long)(q->first + k));
  o.set = set;
  if (k == 0 && !q->t->resume) return nacre_open(q->file, &o, m);
  return nc_open_again(folder_of(q, 0), &o, m);
}

static bool train_one(Seeds *q, int k) {
  NacreModel *m;
  NacreTrainOptions t = *q->t;
  const char *dir = folder_of(q, k);
  if (t.resume && nc_run_finished(q->base, dir)) return true;
  bool on = t.resume && exists(nc_sprintf(q->a, "%s/last.safetensors", dir));
  NacreStatus s = on ? nacre_open_run(dir, "last", q->o, &m) : open_one(q, k, &m);
  t.force = t.force || t.resume;
  t.resume = on ? dir : NULL;
  t.out = dir;
  if (s == NACRE_OK) s = nacre_train(m, &t);
  return done(q, m, s);
}

static bool score_one(Seeds *q, int k) {
  if (json_is_object(json_object_get(q->scores, name_of(q, k)))) return true;
  NacreModel *m;
  NacreScores scores;
  NacreStatus s = nacre_open_run(folder_of(q, k), NULL, q->o, &m);
  if (s == NACRE_OK) s = nacre_eval(m, q->split, &scores);
  json_t *j = json_object();
  for (int i = 0; s == NACRE_OK && i < scores.metrics; i++) json_object_set_new(j, scores.metric[i].name, number(scores.metric[i].value));
  json_object_set_new(q->scores, name_of(q, k), j);
  return done(q, m, s) && save(q);
}

// ---- what came of it

static void tell(Seeds *q) {
  NcBuf b = NC_BUF(q->a);
  json_t *all = summary(q), *x;
  size_t i;
  if (q->o->json) {
    json_t *j = json_pack("{s:s, s:s, s:s, s:i, s:I, s:O}", "event", "seeds", "run", q->dir, "split", q->split, "seeds", q->seeds,
                          "first", (json_int_t)q->first, "metrics", all);
    char *text = json_dumps(j, JSON_COMPACT);
    nc_putf(&b, "%s\n", text ? text : "");
    free(text);
    json_decref(j);
  } else {
    nc_putf(&b, "%s, %d seed%s from %lld%s\n", q->split, q->seeds, q->seeds > 1 ? "s" : "", (long long)q->first,
            q->seeds > 1 ? ": mean and 95 % confidence interval" : "");
    json_array_foreach(all, i, x) {
      const char *metric = json_string_value(json_object_get(x, "metric"));
      NcSpread s;
      if (!mean_of(q, metric, &s)) continue;
      nc_putf(&b, "  %-10s %.4g", metric, s.mean);
      if (q->seeds > 1) nc_putf(&b, " ± %.2g  (of values from %.4g to %.4g)", s.half, s.least, s.most);
      nc_put(&b, "\n");
    }
  }
  json_decref(all);
  q->sink.write(q->sink.ctx, nc_buf_str(&b), b.n);
}

static bool seeds(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg) {
  Seeds *q = arg;
  q->a = a;
  q->d = d;
  q->o = o;
  if (q->seeds < 0 || q->seeds > MOST || (!q->seeds && !q->t->resume))
    return nc_error(d, NC_E0702, NC_NOWHERE, "the number of seeds must lie between 1 and %d", MOST), false;
  if (!begin(q)) return false;
  for (int k = 0; k < q->seeds; k++) {
    if (train_one(q, k) && score_one(q, k)) continue;
    leave_nothing(q);
    return false;
  }
  tell(q);
  return true;
}

NacreStatus nacre_train_seeds(const char *file, int n, const NacreOptions *o, const NacreTrainOptions *t, NacreWrite *write,
                              void *ctx, char **error) {
  static const NacreTrainOptions defaults;
  Seeds q = {.file = file, .t = t ? t : &defaults, .sink = {write, ctx}, .seeds = n};
  char *unasked = NULL;
  if (!error) error = &unasked;
  NacreStatus s = nc_plain_given(o, write, seeds, &q, error);
  if (q.base) nacre_close(q.base);
  json_decref(q.scores);
  if (*error) free(q.message);   // an error of its own comes after what models said
  else *error = q.message;
  free(unasked);
  return q.status ? q.status : s;
}
