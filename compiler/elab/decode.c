// decode(model, prompt, n): a text gone on with, token by token. Its result is an input of the task's graph; what makes
// it (lib/train/decode.c) runs the model for one position after the other, with keys and values kept.
#include "elab/builtin.h"
#include "elab/recipe.h"
#include "ops/advance.h"
#include <string.h>

typedef struct { NcElab *e; NcRange at; NcInstance *model; NcTensor *prompt; NcSize more; int64_t context; NcDecode d; } Work;

// How many tokens the model takes: `context` if it is said, else its own hyperparameter of that name, else all.
static bool context_of(NcArgsOf *c, Work *w) {
  const NcFn *fn = w->model->fn;
  int64_t own = 0, all = (w->d.given + w->d.more + 63) / 64 * 64;    // texts of nearly one length share a plan
  for (int i = 0; i < fn->info->decl->hyper.n; i++)
    if (strcmp(fn->info->decl->hyper.at[i].name.s, "context") == 0 && fn->hyper[i].kind == NC_V_INT) own = fn->hyper[i].size.value;
  if (!nc_arg_whole(c, 7, own ? own : all, &w->context)) return false;
  if (w->context < 2) return nc_arg_bad(c, 7, "2 or more"), false;
  if (w->d.given <= w->context) {
    w->d.window = all < w->context ? all : w->context;
    return true;
  }
  NcMessage *m = nc_elab_error(w->e, NC_E0203, w->at, "the prompt has %lld tokens, more than the context %lld of `%s`",
                               (long long)w->d.given, (long long)w->context, w->model->name);
  nc_help(w->e->diag, m, "give a prompt of at most %lld tokens", (long long)w->context);
  return false;
}

static bool arguments(NcArgsOf *c, Work *w) {
  NcElab *e = c->e;
  double t;
  bool greedy;
  int64_t k;
  if (c->v[0].kind != NC_V_INSTANCE) return nc_arg_bad(c, 0, "a model"), false;
  w->model = c->v[0].inst;
  w->prompt = nc_arg_t(c, 1);
  if (!w->prompt || !nc_arg_int(c, 2, nc_size(0), &w->more)) return false;
  if (w->prompt->rank != 2 || w->prompt->node->type.dtype != NC_I32)
    return nc_arg_bad(c, 1, "i32[B, P], tokens"), false;
  if (w->more.value < 1 || w->more.value > INT32_MAX / 2) return nc_arg_bad(c, 2, "1 or more"), false;
  if (!nc_arg_num(c, 3, 1, &t) || !nc_arg_whole(c, 4, 0, &k) || !nc_arg_num(c, 5, 1, &w->d.top_p) ||
      !nc_arg_bool(c, 6, false, &greedy)) return false;
  if (!(t >= 0 && t <= 1e6)) return nc_arg_bad(c, 3, "0 (the most probable token each time) or more"), false;
  if (k < 0) return nc_arg_bad(c, 4, "1 or more, or 0 for all"), false;
  if (!(w->d.top_p > 0 && w->d.top_p <= 1)) return nc_arg_bad(c, 5, "above 0 and at most 1"), false;
  w->d.temperature = greedy ? 0 : t;
  w->d.top_k = k;
  w->d.batch = w->prompt->dim[0].value;
  w->d.given = w->prompt->dim[1].value;
  w->d.more = w->more.value;
  w->d.at = nc_here(e, c->at);
  return context_of(c, w);
}

// The model on `window` tokens, in a graph of its own.
static NcTensor *whole_model(Work *w) {
  NcElab *e = w->e;
  NcGraph *graph = e->graph;
  NcTensor *iteration = e->iteration;
  int used = 0;
  NcFrame f = {.up = e->frame, .module = w->model->fn->info->module, .scope = nc_scope(e, NULL), .inst = e->root, .randoms = &used,
               .call = w->at};
  NcType t = {NC_I32, NC_SHAPE(w->d.batch, w->d.window)};
  NcSize dim[2] = {nc_size(w->d.batch), nc_size(w->d.window)};
  w->d.full = e->graph = nc_graph_new(e->arena, e->diag, "full");
  e->iteration = NULL;
  e->whole_loops = true;
  e->frame = &f;
  NcActual arg = {.v = nc_v_tensor(w->at, nc_t(e, w->at, nc_input(e->graph, w->at, "tokens", t), 2, dim))};
  NcValue v = nc_call_instance(e, w->model, w->at, 1, &arg);
  e->frame = f.up;
  e->graph = graph;
  e->iteration = iteration;
  e->whole_loops = false;
  if (v.kind == NC_V_POISON) return NULL;
  NcTensor *y = v.kind == NC_V_TENSOR ? v.t : NULL;
  if (y && y->rank == 3 && y->node->type.shape.dim[0] == w->d.batch && y->node->type.shape.dim[1] == w->d.window &&
      nc_dtype_float(y->node->type.dtype)) return y;
  nc_elab_error(e, NC_E0205, w->at, "`decode` needs a model from tokens [B, T] to scores [B, T, V], but `%s` gives %s",
                w->model->name, nc_v_describe(e, &v));
  return NULL;
}

// What it takes to compute one tensor of the current graph.
static NcGraph *graph_of(NcElab *e, const char *name, NcNode *n) {
  NcGraph view = *e->graph;
  view.effect.n = view.output.n = view.output.cap = 0;
  nc_graph_output(&view, name, n);
  return nc_graph_rewrite(&view, e->arena, NULL, NULL, NULL);
}

NcValue nc_decode(NcArgsOf *c) {
  NcElab *e = c->e;
  Work w = {.e = e, .at = c->at};
  if (!e->task) {
    nc_help(e->diag, nc_elab_error(e, NC_E0306, c->at, "`decode` makes a text: it belongs into a `task`"),
            "task generate(n: int = 200)(prompt: i32[1, P]) -> i32[1, P + n] { decode(model, prompt, n) }");
    return nc_v_poison();
  }
  if (!arguments(c, &w)) return nc_v_poison();
  w.d.name = nc_sprintf(e->arena, "decode.%d", e->task->decode.n);
  NcTensor *y = whole_model(&w);
  NcAdvance step;
  if (!y) return nc_v_poison();
  NcNode *logits = nc_cast(w.d.full, y->node->at, y->node, NC_F32);
  nc_graph_output(w.d.full, "output", logits);
  w.d.vocabulary = logits->type.shape.dim[2];
  const char *prefix = nc_sprintf(e->arena, "%s.%s", e->task->name, w.d.name);
  if (!nc_advance(e->arena, w.d.full, "tokens", logits, prefix, &step)) return nc_v_poison();
  w.d.fill = nc_advance_fill(e->arena, w.d.full, &step);
  w.d.step = nc_graph_prune(step.graph);
  w.d.full = nc_graph_prune(w.d.full);
  w.d.prompt = graph_of(e, "prompt", w.prompt->node);
  NcSize dim[2] = {w.prompt->dim[0]};
  NcType t = {NC_I32, NC_SHAPE(w.d.batch, w.d.given + w.d.more)};
  if (!w.d.step || !w.d.full || !w.d.prompt || !nc_size_add(&e->sizes, w.prompt->dim[1], w.more, &dim[1])) return nc_v_poison();
  *NC_PUSH(e->arena, e->task->decode) = w.d;
  return nc_v_tensor(c->at, nc_t(e, c->at, nc_input(e->graph, w.d.at, w.d.name, t), 2, dim));
}
