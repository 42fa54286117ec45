#include "train/decode.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "data/rand.h"

// ---- drawing

static int best_first(const void *x, const void *y) {
  const NcScored *a = x, *b = y;
  if (a->score != b->score) return a->score < b->score ? 1 : -1;
  return (a->token > b->token) - (a->token < b->token);
}

// Draws from the first `n` of a list by their probabilities, of which the last may be cut off at top_p.
static int64_t among(const NcDraw *how, const NcScored *s, int64_t n, NcRand *r) {
  double sum = 0, most = s[0].score, all = 0;
  for (int64_t i = 1; i < n; i++) most = s[i].score > most ? s[i].score : most;
  if (isinf(most)) return most > 0 ? -1 : s[nc_rand_below(r, (uint32_t)n)].token;
  for (int64_t i = 0; i < n; i++) all += exp((s[i].score - most) / how->temperature);
  if (how->top_p < 1) {
    int64_t kept = 0;
    while (kept < n && sum < how->top_p * all) sum += exp((s[kept++].score - most) / how->temperature);
    n = kept ? kept : 1;
    all = sum;
  }
  double u = nc_rand_unit(r) * all;
  for (int64_t i = 0; i < n; i++)
    if ((u -= exp((s[i].score - most) / how->temperature)) <= 0) return s[i].token;
  return s[n - 1].token;
}

int64_t nc_draw(const NcDraw *how, const float *score, int64_t n, uint64_t seed, uint64_t number, NcScored *s) {
  int64_t best = 0;
  for (int64_t i = 0; i < n; i++) {
    if (isnan(score[i])) return -1;
    if (score[i] > score[best]) best = i;
    s[i] = (NcScored){score[i], (int32_t)i};
  }
  if (how->temperature == 0 || how->top_k == 1) return best;
  NcRand r = nc_rand(seed, NC_RAND_TOKENS, number);
  bool few = how->top_k > 0 && how->top_k < n;
  if (few || how->top_p < 1) qsort(s, (size_t)n, sizeof *s, best_first);
  return among(how, s, few ? how->top_k : n, &r);
}

// ---- running

typedef struct {
  NacreModel *m;
  const NcDecode *d;
  NcLoaded *step;
  const NcPlan *plan;
  int tokens, position, output;    // buffers; -1 where the plan has none
  int32_t *all, *now, at;          // [batch, given + more], [batch]
} Text;

static bool prepare(Text *x) {
  NacreModel *m = x->m;
  const NcDecode *d = x->d;
  NcCompileOptions o = {.name = d->name, .verify = m->o.verify};
  NcPlan *plan = nc_compile(m->arena, m->diag, d->step, nc_device_target(m->device), &o);
  x->step = plan ? nc_exec_load(m->exec, m->diag, plan) : NULL;
  if (!x->step || !nc_engine_fill(m)) return false;
  x->plan = plan;
  x->tokens = nc_plan_find(plan, NC_BUF_INPUT, "tokens");
  x->position = nc_plan_find(plan, NC_BUF_INPUT, "position");
  x->output = nc_plan_output(plan, "output");
  return x->output >= 0 || (nc_error(m->diag, NC_E0901, d->at, "the plan has no output"), false);
}

// The model at token t of the text, which is `at` tokens after where its window begins.
static bool advance(Text *x, int64_t t, int64_t at) {
  int64_t batch = x->d->batch, length = x->d->given + x->d->more;
  for (int64_t r = 0; r < batch; r++) x->now[r] = x->all[r * length + t];
  x->at = (int32_t)at;
  NcDiag *diag = x->m->diag;
  if (x->tokens >= 0 && !nc_exec_write(x->step, diag, x->tokens, x->now, (size_t)batch * sizeof(int32_t))) return false;
  if (x->position >= 0 && !nc_exec_write(x->step, diag, x->position, &x->at, sizeof x->at)) return false;
  return nc_exec_run(x->step, diag) && nc_exec_finish(x->m->exec, diag);
}

static bool draw(Text *x, int64_t t, uint64_t seed, float *score, NcScored *room) {
  const NcDecode *d = x->d;
  NcDraw how = {d->temperature, d->top_p, d->top_k};
  int64_t length = d->given + d->more, n = d->vocabulary;
  if (!nc_exec_read(x->step, x->m->diag, x->output, score, (size_t)(d->batch * n) * sizeof(float), true)) return false;
  for (int64_t r = 0; r < d->batch; r++) {
    int64_t token = nc_draw(&how, score + r * n, n, seed, (uint64_t)(t * d->batch + r), room);
    if (token < 0) {
      nc_error(x->m->diag, NC_E0603, d->at, "the scores of token %lld are not finite", (long long)t);
      return false;
    }
    x->all[r * length + t] = (int32_t)token;
  }
  return true;
}

static void tell(Text *x, int64_t t, NcTokenTold *told, void *ctx) {
  int64_t length = x->d->given + x->d->more;
  for (int64_t r = 0; r < x->d->batch; r++) x->now[r] = x->all[r * length + t];
  if (told) told(ctx, t, x->now);
}

int32_t *nc_decode_run(NacreModel *m, const NcDecode *d, const int32_t *prompt, uint64_t seed, NcTokenTold *told, void *ctx) {
  int64_t length = d->given + d->more, begin = 0;
  Text x = {.m = m, .d = d, .all = nc_alloc_array(m->arena, (size_t)d->batch, (size_t)length * sizeof(int32_t)),
            .now = NC_NEW_N(m->arena, int32_t, d->batch)};
  float *score = nc_alloc_array(m->arena, (size_t)d->batch, (size_t)d->vocabulary * sizeof(float));
  NcScored *room = NC_NEW_N(m->arena, NcScored, d->vocabulary);
  for (int64_t r = 0; r < d->batch; r++)
    memcpy(x.all + r * length, prompt + r * d->given, (size_t)d->given * sizeof(int32_t));
  for (int64_t i = 0; i < d->batch * d->given; i++)
    if (prompt[i] < 0 || prompt[i] >= d->vocabulary) {
      nc_error(m->diag, NC_E0409, d->at, "token %lld of the prompt is %d, but the model knows %lld tokens, 0 to %lld",
               (long long)(i % d->given), (int)prompt[i], (long long)d->vocabulary, (long long)d->vocabulary - 1);
      return NULL;
    }
  if (!prepare(&x)) return NULL;
  for (int64_t t = 0; t < length; t++) {
    if (t >= d->given && !draw(&x, t, seed, score, room)) return NULL;
    tell(&x, t, told, ctx);
    if (t + 1 == length) break;
    if (t - begin == d->window) {        // full: the later half is gone on with, from its beginning
      begin = t - d->window / 2;
      for (int64_t k = begin; k < t; k++)
        if (!advance(&x, k, k - begin)) return NULL;
    }
    if (!advance(&x, t, t - begin)) return NULL;
  }
  nc_exec_unload(x.step);
  return x.all;
}
