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

// A plan over tokens, told a number: of one position, or how many there are.
typedef struct {
  const NcGraph *graph;
  const char *number;
  const NcPlan *plan;
  NcLoaded *loaded;
  int tokens, at, output;    // buffers; -1 where the plan has none
} Part;

typedef struct {
  NacreModel *m;
  const NcDecode *d;
  Part step, fill;
  int32_t *all, *now, *window, number;     // [batch, given + more], [batch], [batch, window]
} Text;

// `apart`: a variable that both plans change lies where the first had it.
static bool load(Text *x, Part *p, bool apart) {
  NacreModel *m = x->m;
  NcCompileOptions o = {.name = p->graph->name, .verify = m->o.verify, .apart = apart};
  NcPlan *plan = nc_compile(m->arena, m->diag, p->graph, nc_device_target(m->device), &o);
  p->loaded = plan ? nc_exec_load(m->exec, m->diag, plan) : NULL;
  if (!p->loaded || !nc_engine_fill(m)) return false;
  p->plan = plan;
  p->tokens = nc_plan_find(plan, NC_BUF_INPUT, "tokens");
  p->at = nc_plan_find(plan, NC_BUF_INPUT, p->number);
  p->output = nc_plan_output(plan, "output");
  return true;
}

// Whether a pass over the window takes less than so many steps: it takes as long as steps at one position in eight.
static bool quicker(const NcDecode *d, int64_t tokens) { return tokens > 1 && tokens * 8 > d->window; }

// A step reads every parameter, and each launch takes a while; about so long, in seconds.
static double step_time(const NcPlan *p) {
  double bytes = 0;
  for (int i = 0; i < p->buf.n; i++) bytes += p->buf.at[i].kind == NC_BUF_VAR ? (double)p->buf.at[i].bytes : 0;
  return bytes * 1e-10 + (double)nc_plan_launches(p) * 1e-5;
}

// Whether what passes save is worth a further plan. Loading one takes 0.1 s, and its kernels are to be compiled once, which
// takes seconds; so it must save more than the former, and in a few runs the latter.
bool nc_decode_passes(const NacreModel *m, const NcDecode *d, const NcPlan *step) {
  enum { TIMES = 4 };
  if (!d->fill || m->passes != NC_PASSES_WORTH) return d->fill && m->passes == NC_PASSES_ALWAYS;
  int64_t half = d->window / 2, over = d->given + d->more - 1 - d->window, refills = over > 0 ? (over - 1) / (d->window - half) + 1 : 0;
  int64_t saved = (quicker(d, d->given - 1) ? d->given - 1 - d->window / 8 : 0) + refills * (half - d->window / 8);
  return (double)saved * step_time(step) * TIMES > 1;
}

// The pass over many positions is made only where it is of use, and there is room for it.
static bool prepare(Text *x) {
  const NcDecode *d = x->d;
  NcDiag *diag = x->m->diag;
  if (!load(x, &x->step, false)) return false;
  if (x->step.output < 0) return nc_error(diag, NC_E0901, d->at, "the plan has no output"), false;
  if (!nc_decode_passes(x->m, d, x->step.plan)) return true;
  const int messages = diag->messages.n, errors = diag->errors;
  if (load(x, &x->fill, true)) return true;
  if (diag->messages.n == messages || diag->messages.at[messages]->code != NC_E0504) return false;
  nc_diag_forget(diag, messages, errors);
  x->fill.loaded = NULL;
  return true;
}

static bool run(Text *x, Part *p, const int32_t *tokens, int64_t n, int64_t number) {
  NcDiag *diag = x->m->diag;
  x->number = (int32_t)number;
  size_t bytes = (size_t)(x->d->batch * n) * sizeof *tokens;
  return (p->tokens < 0 || nc_exec_write(p->loaded, diag, p->tokens, tokens, bytes)) &&
         (p->at < 0 || nc_exec_write(p->loaded, diag, p->at, &x->number, sizeof x->number)) &&
         nc_exec_run(p->loaded, diag) && nc_exec_finish(x->m->exec, diag);
}

// The model at token t of the text, which is `at` tokens after where its window begins.
static bool advance(Text *x, int64_t t, int64_t at) {
  int64_t length = x->d->given + x->d->more;
  for (int64_t r = 0; r < x->d->batch; r++) x->now[r] = x->all[r * length + t];
  x->m->decoded.steps++;
  return run(x, &x->step, x->now, 1, at);
}

// Keeps what the model makes of n tokens of a window that begins at `begin`.
static bool read(Text *x, int64_t begin, int64_t n) {
  const NcDecode *d = x->d;
  if (!d->step->effect.n) return true;
  if (!x->fill.loaded || !quicker(d, n)) {
    for (int64_t k = 0; k < n; k++)
      if (!advance(x, begin + k, k)) return false;
    return true;
  }
  for (int64_t r = 0; r < d->batch; r++)
    memcpy(x->window + r * d->window, x->all + r * (d->given + d->more) + begin, (size_t)n * sizeof *x->window);
  x->m->decoded.passes++;
  return run(x, &x->fill, x->window, d->window, n);
}

static bool draw(Text *x, int64_t t, uint64_t seed, float *score, NcScored *room) {
  const NcDecode *d = x->d;
  NcDraw how = {d->temperature, d->top_p, d->top_k};
  int64_t length = d->given + d->more, n = d->vocabulary;
  if (!nc_exec_read(x->step.loaded, x->m->diag, x->step.output, score, (size_t)(d->batch * n) * sizeof(float), true)) return false;
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
  Text x = {.m = m, .d = d, .step = {.graph = d->step, .number = "position"}, .fill = {.graph = d->fill, .number = "count"},
            .all = nc_alloc_array(m->arena, (size_t)d->batch, (size_t)length * sizeof(int32_t)),
            .window = nc_alloc_array(m->arena, (size_t)d->batch, (size_t)d->window * sizeof(int32_t)),
            .now = NC_NEW_N(m->arena, int32_t, d->batch)};
  float *score = nc_alloc_array(m->arena, (size_t)d->batch, (size_t)d->vocabulary * sizeof(float));
  NcScored *room = NC_NEW_N(m->arena, NcScored, d->vocabulary);
  memset(x.window, 0, (size_t)(d->batch * d->window) * sizeof *x.window);
  for (int64_t r = 0; r < d->batch; r++)
    memcpy(x.all + r * length, prompt + r * d->given, (size_t)d->given * sizeof(int32_t));
  for (int64_t i = 0; i < d->batch * d->given; i++)
    if (prompt[i] < 0 || prompt[i] >= d->vocabulary) {
      nc_error(m->diag, NC_E0409, d->at, "token %lld of the prompt is %d, but the model knows %lld tokens, 0 to %lld",
               (long long)(i % d->given), (int)prompt[i], (long long)d->vocabulary, (long long)d->vocabulary - 1);
      return NULL;
    }
  m->decoded.passes = m->decoded.steps = 0;
  if (!prepare(&x)) return NULL;
  for (int64_t t = 0; t < length; t++) {
    if (t >= d->given && !draw(&x, t, seed, score, room)) return NULL;
    tell(&x, t, told, ctx);
    if (t + 1 < d->given || t + 1 == length) continue;
    bool full = t - begin == d->window;              // the later half is gone on with, from its beginning
    if (full) begin = t - d->window / 2;
    if ((full || t + 1 == d->given) && !read(&x, begin, t - begin)) return NULL;
    if (!advance(&x, t, t - begin)) return NULL;
  }
  nc_exec_unload(x.fill.loaded);
  nc_exec_unload(x.step.loaded);
  return x.all;
}
