// Looking at a model: its layers and its memory, and what the compiler made of it.
#include <stdio.h>
#include <string.h>
#include "train/decode.h"

typedef struct { NacreWrite *write; void *ctx; const NacreEmit *emit; } Look;

static void give(const Look *q, NcBuf *b) { q->write(q->ctx, nc_buf_str(b), b->n); }

const char *nc_thousands(NcArena *a, int64_t v) {
  char s[32];
  int n = snprintf(s, sizeof s, "%lld", (long long)v);
  NcBuf b = NC_BUF(a);
  for (int i = 0; i < n; i++) {
    if (i && (n - i) % 3 == 0 && s[i - 1] != '-') nc_putc(&b, ',');
    nc_putc(&b, s[i]);
  }
  return nc_buf_str(&b);
}

// The batch axis shows as B.
static const char *shape(NcArena *a, NcType t, int64_t batch) {
  NcBuf b = NC_BUF(a);
  nc_putf(&b, "%s[", nc_dtype_name(t.dtype));
  for (int i = 0; i < t.shape.rank; i++) {
    if (i) nc_putc(&b, ',');
    if (i == 0 && t.shape.dim[0] == batch) nc_putc(&b, 'B');
    else nc_putf(&b, "%lld", (long long)t.shape.dim[i]);
  }
  nc_putc(&b, ']');
  return nc_buf_str(&b);
}

// Plans that a session holds together, and the launches of a step or a run.
typedef struct { NacreModel *m; const NcTarget *t; NC_VEC(const NcPlan *) plan; int launches; } Cost;

static const NcPlan *planned(Cost *c, const char *name, const NcGraph *g, int64_t times) {
  NacreModel *m = c->m;
  const NcPlan *p = g ? nc_compile(m->arena, m->diag, g, c->t, &(NcCompileOptions){.name = name}) : NULL;
  if (!p) return NULL;
  *NC_PUSH(m->arena, c->plan) = p;
  c->launches += (int)(nc_plan_launches(p) * times);
  return p;
}

static size_t bytes_of(const Cost *c) { return nc_plans_bytes(c->plan.n, c->plan.at); }

// Of a step of the first stage: all plans that it runs.
static bool step_cost(Cost *c) {
  const NcRecipe *r = c->m->program->recipe;
  for (int i = 0; r && i < r->stage.at[0].parts; i++) {
    const NcUpdate *u = &c->m->program->update.at[i];
    if (u->gather && !planned(c, u->gather_purpose, u->gather, r->accumulate - 1)) return false;
    if (!planned(c, u->purpose, u->graph, 1)) return false;
  }
  return true;
}

// Of a task as it is built here. It needs what only a run tells where there is no graph.
static bool task_cost(Cost *c, const NcTask *t) {
  for (int i = 0; t->graph && i < t->decode.n; i++) {
    const NcDecode *d = &t->decode.at[i];
    const NcPlan *step = planned(c, "prompt", d->prompt, 1) ? planned(c, "decode", d->step, 1) : NULL;
    if (!step || (nc_decode_passes(c->m, d, step) && !planned(c, "fill", d->fill, 1))) return false;
  }
  return !t->graph || planned(c, t->name, t->graph, 1);
}

static void rows_text(NacreModel *m, NcBuf *b) {
  NcArena *a = m->arena;
  nc_putf(b, "%-36s %-22s %14s %16s\n", "layer", "result", "parameters", "multiply-adds");
  for (int i = 0; i < m->program->row.n; i++) {
    const NcLayerRow *r = &m->program->row.at[i];
    const char *name = strrchr(r->path, '.') ? strrchr(r->path, '.') + 1 : r->path;
    const char *left = nc_sprintf(a, "%*s%s%s%s%s", 2 * r->depth, "", *name ? name : r->name,
                                  strcmp(name, r->name) && *name ? " (" : "", strcmp(name, r->name) && *name ? r->name : "",
                                  strcmp(name, r->name) && *name ? ")" : "");
    nc_putf(b, "%-36s %-22s %14s %16s", left, shape(a, r->type, m->program->batch), r->params ? nc_thousands(a, r->params) : "",
            r->macs ? nc_thousands(a, r->macs) : "");
    while (b->n && b->at[b->n - 1] == ' ') b->n--;
    nc_putc(b, '\n');
  }
}

static void rows_json(NacreModel *m, NcBuf *b) {
  for (int i = 0; i < m->program->row.n; i++) {
    const NcLayerRow *r = &m->program->row.at[i];
    nc_putf(b, "%s{\"depth\":%d,\"layer\":", i ? "," : "", r->depth);
    nc_put_json(b, r->name);
    nc_put(b, ",\"path\":");
    nc_put_json(b, r->path);
    nc_put(b, ",\"result\":");
    nc_put_json(b, nc_type_str(m->arena, r->type));
    nc_putf(b, ",\"parameters\":%lld,\"macs\":%lld}", (long long)r->params, (long long)r->macs);
  }
}

// sample(n: int = 16)() → how a task is called, as it is declared
static const char *signature(NacreModel *m, const NcDecl *d) {
  const NcSource *s = nc_diag_file(m->diag, d->name.at.file);
  if (!s || !d->body || d->body->at.begin < d->name.at.begin) return d->name.s;
  size_t n = d->body->at.begin - d->name.at.begin;
  while (n && strchr(" \n", s->text[d->name.at.begin + n - 1])) n--;
  return nc_strndup(m->arena, s->text + d->name.at.begin, n);
}

static bool tasks(NacreModel *m, const NcTarget *t, NcBuf *b) {
  NcBuf all = NC_BUF(m->arena);
  if (m->o.json) nc_put(b, ",\"tasks\":[");
  for (int i = 0; i < m->program->task.n; i++) {
    const NcTask *k = &m->program->task.at[i];
    const char *text = signature(m, k->decl);
    Cost c = {.m = m, .t = t};
    if (!task_cost(&c, k)) return false;
    size_t cost = bytes_of(&c);
    nc_putf(&all, "%s%zu", i ? "," : "", cost);
    if (m->o.json) nc_put(b, i ? "," : "");
    if (m->o.json) nc_put_json(b, text);
    else nc_putf(b, "task %s%s\n", text, cost ? nc_sprintf(m->arena, ": %s of device memory", nc_bytes_str(m->arena, cost)) : "");
  }
  if (m->o.json) nc_putf(b, "],\"task_bytes\":[%s]", nc_buf_str(&all));
  return true;
}

static bool summary(NacreModel *m, void *arg) {
  Look *q = arg;
  NcTarget t = nc_target_default(m->o.device_class && !strcmp(m->o.device_class, "gpu") ? NC_CLASS_GPU : NC_CLASS_CPU);
  Cost step = {.m = m, .t = &t}, infer = step;
  if (!step_cost(&step) || (m->program->predict && !planned(&infer, "predict", m->program->predict, 1))) return false;
  size_t training = bytes_of(&step), inference = bytes_of(&infer);
  int64_t params = 0;
  for (int i = 0; i < m->program->variable.n; i++)
    if (!strcmp(m->program->variable.at[i].kind, "param")) params += nc_count(m->program->variable.at[i].type.shape);
  NcBuf b = NC_BUF(m->arena);
  if (m->o.json) {
    nc_put(&b, "{\"layers\":[");
    rows_json(m, &b);
    nc_putf(&b, "],\"parameters\":%lld,\"batch\":%lld,\"training_bytes\":%zu,\"training_launches\":%d,"
                "\"inference_bytes\":%zu,\"inference_launches\":%d", (long long)params, (long long)m->program->batch,
            training, step.launches, inference, infer.launches);
    if (!tasks(m, &t, &b)) return false;
    nc_put(&b, "}\n");
  } else {
    rows_text(m, &b);
    nc_putf(&b, "\n%s parameters", nc_thousands(m->arena, params));
    nc_put(&b, m->program->batch ? nc_sprintf(m->arena, "; multiply-adds are per example; B is %lld\n", (long long)m->program->batch) : "\n");
    if (step.plan.n) nc_putf(&b, "training:  %s of device memory, %d launch%s a step\n", nc_bytes_str(m->arena, training), step.launches, step.launches == 1 ? "" : "es");
    if (infer.plan.n) nc_putf(&b, "inference: %s of device memory, %d launch%s\n", nc_bytes_str(m->arena, inference), infer.launches, infer.launches == 1 ? "" : "es");
    if (!tasks(m, &t, &b)) return false;
  }
  give(q, &b);
  return true;
}

NacreStatus nacre_summary(NacreModel *m, NacreWrite *write, void *ctx) {
  return nc_guard_given(m, write, summary, &(Look){write, ctx, NULL});
}

// ---- emit

static bool unknown_pass(NacreModel *m, const char *name) {
  const char *names[64];
  int n = 0;
  for (const NcPassInfo *p; n < 64 && (p = nc_pass_info(n)); n++) {
    if (strcmp(p->name, name) == 0) return false;
    names[n] = p->name;
  }
  const char *near = nc_nearest(name, names, n);
  NcMessage *e = nc_error(m->diag, NC_E0702, NC_NOWHERE, "there is no pass `%s`", name);
  if (near) nc_help(m->diag, e, "did you mean `%s`? `nacre emit --list-passes` lists them", near);
  else nc_help(m->diag, e, "`nacre emit --list-passes` lists them");
  return true;
}

const NcGraph *nc_look_graph(NacreModel *m, const char *purpose) {
  const NcGraph *g = nc_engine_graph(m->program, purpose);
  if (!g)
    nc_error(m->diag, NC_E0702, NC_NOWHERE, "there is no compilation `%s` here: `step`, `eval`, `predict` or `init`%s", purpose,
             m->program->step ? "" : " (the file has no train declaration, so only `predict` and `init`)");
  return g;
}

bool nc_look_target(NacreModel *m, NcTarget *t) {
  if (m->o.device) return nc_engine_target(m, t);
  *t = nc_target_default(m->o.device_class && !strcmp(m->o.device_class, "gpu") ? NC_CLASS_GPU : NC_CLASS_CPU);
  return true;
}

static bool emit(NacreModel *m, void *arg) {
  Look *q = arg;
  const NacreEmit *e = q->emit;
  const char *purpose = e->purpose ? e->purpose : m->program->step ? "step" : "predict";
  const NcGraph *g = nc_look_graph(m, purpose);
  if (!g) return false;
  NcBuf b = NC_BUF(m->arena);
  const char *what = e->what ? e->what : "plan";
  bool graph = strcmp(what, "graph") == 0, opencl = strcmp(what, "opencl") == 0;
  if (!graph && !opencl && strcmp(what, "plan") != 0)
    return nc_error(m->diag, NC_E0702, NC_NOWHERE, "`graph`, `plan` or `opencl` can be printed, not `%s`", what), false;
  if (e->after && unknown_pass(m, e->after)) return false;
  if (graph && !e->after && !e->timings) {
    nc_graph_print(g, &b);
    give(q, &b);
    return true;
  }
  NcTarget t;
  if (!nc_look_target(m, &t)) return false;
  NcBuf timings = NC_BUF(m->arena);
  NcCompileOptions o = {.name = purpose, .verify = m->o.verify, .stop_after = e->after, .dump = e->after ? &b : NULL,
                        .timings = e->timings ? &timings : NULL};
  NcPlan *p = nc_compile(m->arena, m->diag, g, &t, &o);
  if (!p && (!e->after || m->diag->errors)) return false;
  if (e->timings) nc_put(&b, nc_buf_str(&timings));
  else if (p && opencl) nc_put(&b, p->program);
  else if (p) nc_plan_print(p, &b, true);
  give(q, &b);
  return true;
}

NacreStatus nacre_emit(NacreModel *m, const NacreEmit *e, NacreWrite *write, void *ctx) {
  return nc_guard_given(m, e && write, emit, &(Look){write, ctx, e});
}

void nacre_passes(NacreWrite *write, void *ctx) {
  for (int i = 0; write && nc_pass_info(i); i++) {
    char line[256];
    int n = snprintf(line, sizeof line, "%-12s %s\n", nc_pass_info(i)->name, nc_pass_info(i)->doc);
    write(ctx, line, n < (int)sizeof line ? (size_t)n : sizeof line - 1);
  }
}
