// Metrics of a whole evaluation that are no means over its batches: f1, auc, the root of a mean. In the graph of
// evaluation `overall(x)` makes x an output of its own and goes on from an input of the same name, which stands for the mean
// of x over all batches. What follows from such inputs is a graph of its own, computed once, when all batches are done.
#include "elab/builtin.h"
#include "elab/recipe.h"
#include <string.h>

static const char prefix[] = "overall ";
bool nc_is_overall(const char *output) { return strncmp(output, prefix, sizeof prefix - 1) == 0; }

static const char *name_of(NcElab *e, const NcNode *n) {
  int k = 0;
  for (int i = 0; i < e->graph->output.n; i++) {
    const NcOutput *o = &e->graph->output.at[i];
    if (!nc_is_overall(o->name)) continue;
    if (o->node == n) return o->name;
    k++;
  }
  return nc_sprintf(e->arena, "%s%d", prefix, k);
}

NcValue nc_overall(NcArgsOf *c) {
  NcElab *e = c->e;
  NcTensor *x = nc_to_float(e, c->at, nc_arg_t(c, 0));
  if (!x) return nc_v_poison();
  for (int i = 0; i < x->rank; i++)
    if (x->dim[i].poly) {
      NcMessage *m = nc_elab_error(e, NC_E0205, c->at, "`overall` needs a mean over the batch, but this is %s",
                                   nc_t_describe(e, x));
      nc_help(e->diag, m, "take it first: `overall(mean(x, axis = 0))`");
      return nc_v_poison();
    }
  if (!e->evaluation) return nc_v_tensor(c->at, x);
  const char *name = name_of(e, x->node);
  nc_graph_output(e->graph, name, x->node);
  return nc_v_tensor(c->at, nc_t_as(e, c->at, nc_input(e->graph, nc_here(e, c->at), name, x->node->type), x));
}

// ---- parting

typedef struct { bool follows, batch; } Reach;      // an "overall" input; anything of a batch

static Reach *reaches(const NcGraph *g, NcArena *a) {
  Reach *r = NC_NEW_N(a, Reach, g->node.n + 1);
  for (int i = 0; i < g->node.n; i++) {
    const NcNode *n = g->node.at[i];
    if (strcmp(n->op->name, "input") == 0) {
      r[i].follows = nc_is_overall(nc_attr_str(n, "name"));
      r[i].batch = !r[i].follows;
    } else r[i].batch = strcmp(n->op->name, "var") == 0 || strcmp(n->op->name, "random") == 0;
    for (int k = 0; k < n->nin; k++) {
      r[i].follows = r[i].follows || r[n->in[k]->id].follows;
      r[i].batch = r[i].batch || r[n->in[k]->id].batch;
    }
  }
  return r;
}

// The part of g with those of its outputs that follow from "overall" inputs, or with the others.
static NcGraph *part(NcElab *e, NcGraph *g, const Reach *r, bool follow, const char *name) {
  NcGraph some = *g;
  memset(&some.output, 0, sizeof some.output);
  if (follow) memset(&some.effect, 0, sizeof some.effect);
  for (int i = 0; i < g->output.n; i++)
    if (r[g->output.at[i].node->id].follows == follow) *NC_PUSH(e->arena, some.output) = g->output.at[i];
  some.name = name;
  return some.output.n ? nc_graph_rewrite(&some, e->arena, NULL, NULL, NULL) : NULL;
}

bool nc_part_overall(NcElab *e, NcGraph **eval, NcGraph **finish) {
  NcGraph *g = *eval;
  const Reach *r = reaches(g, e->arena);
  bool any = false;
  for (int i = 0; i < g->output.n; i++) {
    const NcNode *n = g->output.at[i].node;
    any = any || r[n->id].follows;
    if (!r[n->id].follows || (!r[n->id].batch && !nc_is_overall(g->output.at[i].name))) continue;
    NcMessage *m = nc_elab_error(e, NC_E0306, n->at, "%s mixes a mean over all batches with what one batch holds",
                                 nc_is_overall(g->output.at[i].name) ? "`overall`"
                                     : nc_sprintf(e->arena, "`%s`", g->output.at[i].name));
    nc_help(e->diag, m, "put `overall(…)` around the batch's part, too");
    return false;
  }
  if (!any) return true;
  *finish = part(e, g, r, true, "finish");
  *eval = part(e, g, r, false, "eval");
  return *finish && *eval;
}
