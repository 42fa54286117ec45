// A batch that does not fit the device's memory is taken in parts, as by `accumulate`: where that gives the same result, which
// is proven (compiler/ops/examples.h) or else said.
#include <string.h>
#include "ops/examples.h"
#include "ops/op.h"
#include "train/walk.h"

// The file again, with each batch in so many parts.
static NcProgram *in_parts(NcWalk *l, int64_t parts) {
  NacreModel *m = l->m;
  NcSet *set = NC_NEW_N(m->arena, NcSet, m->o.sets + 1);
  if (m->o.sets) memcpy(set, m->set, (size_t)m->o.sets * sizeof *set);
  set[m->o.sets] = (NcSet){.path = "train.accumulate", .value = nc_sprintf(m->arena, "%lld", (long long)(l->recipe->accumulate * parts))};
  return nc_engine_divided(m, m->program->batch / parts, set, m->o.sets + 1);
}

// Whether all stages of the training fit: each update with the plan that gathers for it.
static bool fits(NacreModel *m, const NcProgram *p) {
  const NcTarget *t = nc_device_target(m->device);
  for (int i = 0; i < p->update.n; i++) {
    const NcUpdate *u = &p->update.at[i];
    const NcPlan *gather = u->gather ? nc_compile(m->arena, m->diag, u->gather, t, &(NcCompileOptions){.name = u->gather_purpose}) : NULL;
    const NcPlan *update = nc_compile(m->arena, m->diag, u->graph, t, &(NcCompileOptions){.name = u->purpose});
    if (!update || (u->gather && !gather)) return false;
    if (nc_plans_bytes(gather ? 2 : 1, (const NcPlan *[]){update, gather}) > t->memory) return false;
  }
  return true;
}

enum { SECONDS = 20 };         // in which parts are tried

// In the fewest parts that fit; NULL: in none, up to so many.
static NcProgram *fewest_parts(NcWalk *l, int64_t *parts) {
  NacreModel *m = l->m;
  NcDiag *loud = m->diag;
  NcProgram *found = NULL;
  double until = nc_now() + SECONDS;
  for (*parts = 2; !found && *parts <= m->program->batch && nc_now() < until; ++*parts) {
    if (m->program->batch % *parts) continue;
    m->diag = nc_diag_new(m->arena);
    NcProgram *p = in_parts(l, *parts);
    if (p && fits(m, p)) found = p;
  }
  --*parts;
  m->diag = loud;
  return found;
}

static bool same_result(const NcWalk *l, const NcProgram *p, int64_t parts, NcExamples *why) {
  bool draws = false;
  for (int i = 0; i < p->update.n; i++) {
    const NcUpdate *u = &l->m->program->update.at[i];
    const char *loss = nc_graph_find_output(u->graph, "loss") || !u->name ? "loss" : u->name;
    if (!nc_mean_of_examples(l->m->arena, u->graph, p->update.at[i].graph, parts, loss, why)) return false;
    draws |= why->draws;
  }
  why->draws = draws;
  return true;
}

// To the refusal: what stands in the way, and how it is done all the same.
static void refuse(NcWalk *l, NcMessage *e, int64_t parts, const NcExamples *why) {
  NacreModel *m = l->m;
  const char *name = why->at ? nc_layer(m->diag, why->at->at) : "";
  nc_note(m->diag, e, "%lld batches of %lld, one after the other, would fit, but not give the same result: `%s`%s%s %s", (long long)parts,
          (long long)(m->program->batch / parts), why->at ? why->at->op->name : "loss", *name ? " of " : "", name, why->why ? why->why : "");
  if (why->at && why->at->at.file) nc_label(m->diag, e, why->at->at, "here");
  nc_help(m->diag, e, "--set train.batch=%lld --set train.accumulate=%lld trains so all the same; what is computed over a batch is then so over %lld examples",
          (long long)(m->program->batch / parts), (long long)(l->recipe->accumulate * parts), (long long)(m->program->batch / parts));
}

bool nc_walk_divide(NcWalk *l, int messages, int errors) {
  NacreModel *m = l->m;
  NcMessage *e = m->diag->messages.n > messages ? m->diag->messages.at[m->diag->messages.n - 1] : NULL;
  if (!e || e->code != NC_E0504) return false;
  int64_t parts, batch = m->program->batch;
  NcProgram *p = fewest_parts(l, &parts);
  if (!p && parts < batch) {
    nc_note(m->diag, e, "up to %lld parts of the batch, one after the other, do not fit, and more were not tried: %d s were over", (long long)parts, SECONDS);
    nc_help(m->diag, e, "--set train.batch=1 --set train.accumulate=%lld takes one example at a time; else use a smaller model",
            (long long)(batch * l->recipe->accumulate));
    return false;
  }
  if (!p) {
    nc_help(m->diag, e, "nor does a part of the batch, one after the other: use a smaller model, or a device with more memory");
    return false;
  }
  NcExamples why;
  if (!same_result(l, p, parts, &why)) {
    refuse(l, e, parts, &why);
    return false;
  }
  const char *needs = nc_strdup(m->arena, e->text);
  nc_diag_forget(m->diag, messages, errors);
  nc_warn(m->diag, NC_E0504, NC_NOWHERE, "a batch of %lld does not fit (%s): it is trained as %lld × %lld, with the same result%s",
          (long long)batch, needs, (long long)parts, (long long)(batch / parts), why.draws ? " but for what is drawn at random" : "");
  nc_engine_restart(m, true);
  m->program = p;
  m->parts = parts;
  l->recipe = p->recipe;
  return true;
}
