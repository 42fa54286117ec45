// Running a task of the file: arguments to hyperparameters and tensors, the graph for just those, one run of its plan.
#include <math.h>
#include <string.h>
#include "base/file.h"
#include "io/csv.h"
#include "io/npy.h"
#include "ops/op.h"
#include "train/decode.h"
#include "train/output.h"
#include "train/tokens.h"

typedef struct { const char *task; const NacreRun *o; int *n; const NacreOutput **out; } Run;

// ---- which task, which argument

static const NcTask *find_task(NacreModel *m, const char *name) {
  const NcProgram *p = m->program;
  const char **names = NC_NEW_N(m->arena, const char *, p->task.n + 1);
  for (int i = 0; i < p->task.n; i++) {
    names[i] = p->task.at[i].name;
    if (strcmp(names[i], name) == 0) return &p->task.at[i];
  }
  NcMessage *e = nc_error(m->diag, NC_E0702, NC_NOWHERE, "`%s` has no task `%s`", m->name, name);
  const char *near = nc_nearest(name, names, p->task.n);
  if (near) nc_help(m->diag, e, "did you mean `%s`?", near);
  else if (p->task.n == 0) nc_help(m->diag, e, "declare one: `task %s(n: int = 16)() -> … { … }`", name);
  NcBuf b = NC_BUF(m->arena);
  for (int i = 0; i < p->task.n; i++) nc_putf(&b, "%s%s", i ? ", " : "", names[i]);
  if (p->task.n) nc_note(m->diag, e, "its tasks: %s", nc_buf_str(&b));
  return NULL;
}

static const NcFormal *find_formal(const NcDecl *d, NcLeaves l, const char *name, bool *hyper) {
  for (int i = 0; i < d->hyper.n; i++)
    if (strcmp(d->hyper.at[i].name.s, name) == 0) { *hyper = true; return &d->hyper.at[i]; }
  for (int i = 0; i < l.n; i++)
    if (strcmp(l.at[i].name.s, name) == 0) { *hyper = false; return &l.at[i]; }
  return NULL;
}

static bool unknown(NacreModel *m, const NcDecl *d, NcLeaves l, const char *name) {
  const char **names = NC_NEW_N(m->arena, const char *, d->hyper.n + l.n + 1);
  int n = 0;
  NcBuf b = NC_BUF(m->arena);
  for (int i = 0; i < d->hyper.n; i++) names[n++] = d->hyper.at[i].name.s;
  for (int i = 0; i < l.n; i++) names[n++] = l.at[i].name.s;
  for (int i = 0; i < n; i++) nc_putf(&b, "%s--%s", i ? ", " : "", names[i]);
  NcMessage *e = nc_error(m->diag, NC_E0701, NC_NOWHERE, "the task `%s` has no `--%s`", d->name.s, name);
  const char *near = nc_nearest(name, names, n);
  if (near) nc_help(m->diag, e, "did you mean `--%s`?", near);
  else if (n == 0) nc_help(m->diag, e, "it takes nothing");
  if (n) nc_note(m->diag, e, "it takes %s", nc_buf_str(&b));
  return false;
}

// ---- tensors from files, numbers and text

static bool ends(const char *s, const char *tail) {
  size_t n = strlen(s), k = strlen(tail);
  return n >= k && strcmp(s + n - k, tail) == 0;
}

// 3, or 1,2,3: f32[n], or nothing of it where a piece is no number.
static bool numbers(NacreModel *m, const char *text, NcArray *out) {
  int64_t n = 1, i = 0;
  for (const char *s = text; *s; s++) n += *s == ',';
  double *v = NC_NEW_N(m->arena, double, (size_t)n);
  for (const char *s = text; i < n; i++) {
    size_t k = strcspn(s, ",");
    if (!nc_csv_number(nc_strndup(m->arena, s, k), &v[i])) return false;
    s += k + (s[k] == ',');
  }
  *out = (NcArray){.type = {.dtype = NC_F32, .shape = NC_SHAPE(n)}, .data = v};
  return true;
}

// A table of numbers, with a line of names above or without: [rows, columns].
static bool table(NacreModel *m, const char *path, double **v, NcShape *shape) {
  NcCsv t;
  double x;
  if (!nc_csv_read(m->arena, m->diag, NC_NOWHERE, path, ',', false, &t)) return false;
  int64_t first = 0;
  for (int c = 0; t.rows > 1 && c < t.columns; c++) first = first || !nc_csv_number(nc_csv_cell(&t, 0, c), &x);
  *shape = NC_SHAPE(t.rows - first, t.columns);
  *v = NC_NEW_N(m->arena, double, (size_t)nc_count(*shape) + 1);
  for (int64_t r = first; r < t.rows; r++)
    for (int c = 0; c < t.columns; c++)
      if (!nc_csv_number(nc_csv_cell(&t, r, c), &(*v)[(r - first) * t.columns + c])) {
        nc_csv_error(m->diag, NC_E0404, &t, r, c, "`%s` is no number", nc_csv_cell(&t, r, c));
        return false;
      }
  return true;
}

static double element(const NcArray *x, int64_t i) {
  switch (x->type.dtype) {
    case NC_F32: return (double)((const float *)x->data)[i];
    case NC_I32: return ((const int32_t *)x->data)[i];
    case NC_I64: return (double)((const int64_t *)x->data)[i];
    default: return ((const uint8_t *)x->data)[i];
  }
}

static bool store(NcDtype t, void *to, int64_t i, double v) {
  static const double least[] = {[NC_I32] = INT32_MIN, [NC_I64] = -9007199254740992.0, [NC_U8] = 0, [NC_BOOL] = 0};
  static const double most[] = {[NC_I32] = INT32_MAX, [NC_I64] = 9007199254740992.0, [NC_U8] = 255, [NC_BOOL] = 1};
  if (t == NC_F32) return ((float *)to)[i] = (float)v, true;
  if (!(v >= least[t] && v <= most[t]) || v != floor(v)) return false;
  if (t == NC_I32) ((int32_t *)to)[i] = (int32_t)v;
  else if (t == NC_I64) ((int64_t *)to)[i] = (int64_t)v;
  else ((uint8_t *)to)[i] = (uint8_t)v;
  return true;
}

// To the declared element type, where each value keeps its meaning.
static bool as_declared(NacreModel *m, const NcFormal *f, const char *value, const double *v, NcArray *x) {
  const NcTypeExpr *t = f->type;
  NcDtype to = t->any ? x->type.dtype : t->dtype;
  if (!v && to == x->type.dtype) return true;
  if (to == NC_F16 || to == NC_BF16) {
    nc_help(m->diag, nc_error(m->diag, NC_E0204, f->at, "values of %s cannot be handed in", nc_dtype_name(to)),
            "declare `%s` as f32, and convert it in the task", f->name.s);
    return false;
  }
  int64_t n = nc_count(x->type.shape);
  void *data = nc_alloc_array(m->arena, (size_t)n + 1, nc_dtype_bytes(to));
  for (int64_t i = 0; i < n; i++) {
    double e = v ? v[i] : element(x, i);
    if (store(to, data, i, e)) continue;
    nc_error(m->diag, NC_E0404, NC_NOWHERE, "`--%s %s`: %.9g (number %lld) is no %s", f->name.s, value, e, (long long)i,
             nc_dtype_name(to));
    return false;
  }
  *x = (NcArray){.type = {.dtype = to, .shape = x->type.shape}, .data = data};
  return true;
}

// Numbers and tables take the declared number of axes: a row of numbers may be [n], [1, n], …, and [] where it is one.
static void shape_as(const NcTypeExpr *t, NcShape *s) {
  int want = t->axis.n;
  for (int i = 0; i < t->axis.n; i++)
    if (t->axis.at[i]->kind == NC_X_SPREAD) return;
  while (s->rank > want && s->dim[0] == 1) {
    for (int i = 1; i < s->rank; i++) s->dim[i - 1] = s->dim[i];
    s->rank--;
  }
  if (s->rank == want + 1 && s->dim[s->rank - 1] == 1) s->rank--;   // a table of one column
  while (s->rank < want && s->rank < NC_MAX_RANK) {
    for (int i = s->rank++; i > 0; i--) s->dim[i] = s->dim[i - 1];
    s->dim[0] = 1;
  }
}

static bool text(NacreModel *m, const NcFormal *f, const char *value, NcArray *out) {
  const char *what = "the text";
  size_t size = strlen(value);
  if (!f->type->any && f->type->dtype != NC_I32) {
    NcMessage *e = nc_error(m->diag, NC_E0702, NC_NOWHERE, "`--%s %s` is neither a file nor numbers", f->name.s, value);
    nc_help(m->diag, e, "give numbers (1,2,3), or a .npy or .csv file");
    return false;
  }
  if (ends(value, ".txt")) {
    what = nc_sprintf(m->arena, "`%s`", value);
    value = nc_read_file(m->arena, m->diag, NC_E0401, NC_NOWHERE, value, &size);
  }
  return value && nc_tokens_of_text(m, what, value, size, out);
}

static bool read_tensor(NacreModel *m, const NcFormal *f, const char *value, NcArray *out) {
  double *v = NULL;
  if (ends(value, ".npy"))
    return nc_npy_read(m->arena, m->diag, NC_NOWHERE, value, out) && as_declared(m, f, value, NULL, out);
  if (ends(value, ".csv")) {
    *out = (NcArray){.type.dtype = NC_F32};
    if (!table(m, value, &v, &out->type.shape)) return false;
  } else if (numbers(m, value, out)) v = out->data;
  else return text(m, f, value, out);
  shape_as(f->type, &out->type.shape);
  return as_declared(m, f, value, v, out);
}

// ---- running

typedef struct { NcTaskCall call; NcTaskInput *input; const void **data; NcSet *set; int sets; } Call;

static bool argument(NacreModel *m, const NcDecl *d, NcLeaves l, const NacreArgument *a, Call *c) {
  bool hyper;
  const NcFormal *f = find_formal(d, l, a->name, &hyper);
  if (!f) return unknown(m, d, l, a->name);
  if (hyper) {
    c->set[c->sets++] = (NcSet){.path = nc_sprintf(m->arena, "%s.%s", d->name.s, a->name),
                                .value = nc_strdup(m->arena, a->value), .shown = nc_sprintf(m->arena, "--%s", a->name)};
    return true;
  }
  for (int i = 0; i < c->call.inputs; i++)
    if (strcmp(c->input[i].name, f->name.s) == 0)
      return nc_error(m->diag, NC_E0704, NC_NOWHERE, "`--%s` is given twice", a->name), false;
  NcArray x;
  if (!read_tensor(m, f, a->value, &x)) return false;
  c->data[c->call.inputs] = x.data;
  c->input[c->call.inputs++] = (NcTaskInput){.name = f->name.s, .type = x.type};
  return true;
}

static bool arguments(NacreModel *m, const NcDecl *d, const NacreRun *o, Call *c) {
  int n = o->args + 1;
  c->input = NC_NEW_N(m->arena, NcTaskInput, n);
  c->data = NC_NEW_N(m->arena, const void *, n);
  c->set = NC_NEW_N(m->arena, NcSet, m->o.sets + n);
  for (; c->sets < m->o.sets; c->sets++) c->set[c->sets] = m->set[c->sets];
  c->call = (NcTaskCall){.name = d->name.s, .input = c->input};
  NcLeaves l = nc_leaves(m->arena, d);
  for (int i = 0; i < o->args; i++)
    if (!argument(m, d, l, &o->arg[i], c)) return false;
  bool good = true;
  for (int i = 0; i < l.n; i++) {
    bool given = false;
    for (int k = 0; k < c->call.inputs; k++) given = given || strcmp(c->input[k].name, l.at[i].name.s) == 0;
    if (given) continue;
    const char *name = l.at[i].name.s;
    NcMessage *e = nc_error(m->diag, NC_E0704, NC_NOWHERE, "the task `%s` needs `--%s`", d->name.s, name);
    if (nc_tokens_given(m) && l.at[i].type->dtype == NC_I32)
      nc_help(m->diag, e, "give a text, --%s \"Once upon\", or a .txt, .npy or .csv file", name);
    else
      nc_help(m->diag, e, "give a .npy or .csv file, or numbers: --%s 1,2,3", name);
    good = false;
  }
  return good;
}

static bool feed(NacreModel *m, const NcPlan *plan, NcLoaded *loaded, const Call *c, uint64_t number) {
  static const int32_t step = 0;
  uint32_t *seed = NC_NEW_N(m->arena, uint32_t, 2);
  seed[0] = (uint32_t)number;
  seed[1] = (uint32_t)(number >> 32);
  for (int i = 0; i < plan->buf.n; i++) {
    const NcPlanBuf *b = &plan->buf.at[i];
    if (b->kind != NC_BUF_INPUT) continue;
    const void *p = strcmp(b->name, "step") == 0 ? (const void *)&step : strcmp(b->name, "seed") == 0 ? seed : NULL;
    for (int k = 0; k < c->call.inputs; k++)
      if (strcmp(c->input[k].name, b->name) == 0) p = c->data[k];
    if (!p) return nc_error(m->diag, NC_E0901, NC_NOWHERE, "nothing feeds the input `%s`", b->name), false;
    if (!nc_exec_write(loaded, m->diag, i, p, b->bytes)) return false;
  }
  return true;
}

// ---- texts that are gone on with while the task runs

typedef struct {
  NacreModel *m;
  const NacreRun *o;
  NcBuf text;                // of tokens that are no whole characters yet
} Told;

static void told(void *ctx, int64_t position, const int32_t *token) {
  Told *t = ctx;
  NcTokens *k = nc_tokens_of_model(t->m);
  if (!k) return;
  nc_tokens_decode(k, token, 1, position == 0, &t->text);
  size_t n = 0;
  while (n < t->text.n) {                              // up to a character of which bytes are still to come
    int length = nc_utf8(t->text.at + n);
    if (!length && t->text.n - n < 4 && (unsigned char)t->text.at[n] >= 0xc0) break;
    n += (size_t)(length ? length : 1);
  }
  if (n) t->o->text(t->o->ctx, t->text.at, n);
  NcBuf rest = NC_BUF(t->m->arena);
  nc_putn(&rest, t->text.n > n ? t->text.at + n : "", t->text.n - n);
  t->text = rest;
}

static const int32_t *prompt_of(NacreModel *m, const NcDecode *d, const Call *c, uint64_t seed) {
  const NcNode *n = nc_graph_find_output(d->prompt, "prompt");
  for (int k = 0; strcmp(n->op->name, "input") == 0 && k < c->call.inputs; k++)
    if (strcmp(c->input[k].name, nc_attr_str(n, "name")) == 0) return c->data[k];
  NcPlan *plan = nc_compile(m->arena, m->diag, d->prompt, nc_device_target(m->device), &(NcCompileOptions){.name = "prompt"});
  NcLoaded *loaded = plan ? nc_exec_load(m->exec, m->diag, plan) : NULL;
  int32_t *out = nc_alloc_array(m->arena, (size_t)d->batch, (size_t)d->given * sizeof *out);
  bool good = loaded && nc_engine_fill(m) && feed(m, plan, loaded, c, seed) && nc_exec_run(loaded, m->diag) &&
              nc_exec_read(loaded, m->diag, nc_plan_output(plan, "prompt"), out,
                           (size_t)(d->batch * d->given) * sizeof *out, true);
  nc_exec_unload(loaded);
  return good ? out : NULL;
}

// Each becomes an input of the task's graph. The text is told as it is made where it is all that the task gives.
static bool decode_all(NacreModel *m, const NcTask *t, const NacreRun *o, Call *c, uint64_t seed) {
  int n = c->call.inputs + t->decode.n;
  c->input = nc_memdup(m->arena, c->input, (size_t)(n + 1) * sizeof *c->input);
  c->data = nc_memdup(m->arena, c->data, (size_t)(n + 1) * sizeof *c->data);
  c->call.input = c->input;
  for (int i = 0; i < t->decode.n; i++) {
    const NcDecode *d = &t->decode.at[i];
    const NcNode *only = t->graph->output.n == 1 ? t->graph->output.at[0].node : NULL;
    bool tells = o->text && only && d->batch == 1 && nc_tokens_of_model(m) && strcmp(only->op->name, "input") == 0 &&
                 strcmp(nc_attr_str(only, "name"), d->name) == 0;
    const int32_t *prompt = prompt_of(m, d, c, seed);
    Told ctx = {m, o, NC_BUF(m->arena)};
    c->data[c->call.inputs] = prompt ? nc_decode_run(m, d, prompt, seed, tells ? told : NULL, &ctx) : NULL;
    if (!c->data[c->call.inputs]) return false;
    c->input[c->call.inputs++] = (NcTaskInput){d->name, {NC_I32, NC_SHAPE(d->batch, d->given + d->more)}};
  }
  return true;
}

static bool run_task(NacreModel *m, void *arg) {
  Run *q = arg;
  Call c = {0};
  const NcTask *t = find_task(m, q->task);
  if (!t || !arguments(m, t->decl, q->o, &c)) return false;
  NcProgram *p = nc_engine_task(m, &c.call, c.set, c.sets);
  const NcGraph *g = NULL;
  for (int i = 0; p && i < p->task.n; i++)
    if (strcmp(p->task.at[i].name, q->task) == 0) g = (t = &p->task.at[i])->graph;
  if (!g || !nc_engine_device(m)) return false;
  uint64_t seed = q->o->has_seed ? q->o->seed : p->recipe ? p->recipe->seed : 1;
  if (t->decode.n && !decode_all(m, t, q->o, &c, seed)) return false;
  NcCompileOptions o = {.name = q->task, .verify = m->o.verify};
  NcPlan *plan = nc_compile(m->arena, m->diag, g, nc_device_target(m->device), &o);
  NcLoaded *loaded = plan ? nc_exec_load(m->exec, m->diag, plan) : NULL;
  if (!loaded || !nc_engine_fill(m) || !feed(m, plan, loaded, &c, seed) || !nc_exec_run(loaded, m->diag)) return false;
  *q->out = nc_outputs_read(m, m->arena, g, plan, loaded, q->n);
  return *q->out != NULL;
}

static const NacreRun nothing;

NacreStatus nacre_run_task(NacreModel *m, const char *task, const NacreRun *o, int *n, const NacreOutput **out) {
  return nc_guard_given(m, task && n && out && (!o || !o->args || o->arg), run_task, &(Run){task, o ? o : &nothing, n, out});
}

bool nc_task_run(NacreModel *m, const char *task, const NacreRun *o, int *n, const NacreOutput **out) {
  return run_task(m, &(Run){task, o ? o : &nothing, n, out});
}

typedef struct { int n; const NacreOutput *out; NcOutputTo to; } Write;
static bool write_outputs(NacreModel *m, void *arg) {
  Write *w = arg;
  if (w->n < 0) return nc_output_path_good(m, w->to.path);
  return nc_outputs_write(m, w->n, w->out, &w->to);
}

NacreStatus nacre_write_outputs(NacreModel *m, const char *title, int n, const NacreOutput *out, const char *path,
                                NacreWrite *write, void *ctx) {
  return nc_guard_given(m, out && (path || (title && write)), write_outputs, &(Write){n, out, {title, path, m && m->o.json, write, ctx}});
}

NacreStatus nacre_output_path(NacreModel *m, const char *path) {
  return nc_guard_given(m, path, write_outputs, &(Write){.n = -1, .to.path = path});
}
