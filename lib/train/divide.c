// A batch that does not fit the device's memory is taken in parts, as by `accumulate`, where that gives the same result, which is
// proven (compiler/ops/examples.h). Else less is kept for the gradients and computed again, as by `recompute`, which always does.
#include <string.h>
#include "ops/examples.h"
#include "ops/op.h"
#include "train/walk.h"

// The file again, with one more setting.
static NcProgram *with(NacreModel *m, int64_t batch, const char *path, int64_t value) {
  NcSet *set = NC_NEW_N(m->arena, NcSet, m->o.sets + 1);
  if (m->o.sets) memcpy(set, m->set, (size_t)m->o.sets * sizeof *set);
  set[m->o.sets] = (NcSet){.path = path, .value = nc_sprintf(m->arena, "%lld", (long long)value)};
  return nc_engine_divided(m, batch, set, m->o.sets + 1);
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

enum { SECONDS = 20 };         // in which parts are tried, and stretches

static NcProgram *with_fits(NacreModel *m, int64_t batch, const char *path, int64_t value) {
  NcDiag *loud = m->diag;
  m->diag = nc_diag_new(m->arena);
  NcProgram *p = with(m, batch, path, value);
  if (p && !fits(m, p)) p = NULL;
  m->diag = loud;
  return p;
}

// In the fewest parts that fit; NULL: in none, up to so many.
static NcProgram *fewest_parts(NcWalk *l, int64_t *parts) {
  const int64_t batch = l->m->program->batch;
  NcProgram *found = NULL;
  double until = nc_now() + SECONDS;
  for (*parts = 2; !found && *parts <= batch && nc_now() < until; ++*parts)
    if (batch % *parts == 0) found = with_fits(l->m, batch / *parts, "train.accumulate", l->recipe->accumulate * *parts);
  --*parts;
  return found;
}

// Keeping what gradients read at the beginnings of so few stretches that it fits. Fewer are not always less: the longest counts.
static NcProgram *fewest_stretches(NcWalk *l, int64_t *stretches) {
  static const int counts[] = {2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64};
  NcProgram *found = NULL;
  double until = nc_now() + SECONDS;
  for (size_t i = 0; !found && i < sizeof counts / sizeof *counts && nc_now() < until; i++)
    if ((*stretches = counts[i]) > l->recipe->recompute) found = with_fits(l->m, l->m->program->batch, "train.recompute", *stretches);
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

static void take(NcWalk *l, NcProgram *p) {
  nc_engine_restart(l->m, true);
  l->m->program = p;
  l->recipe = p->recipe;
}

// The refusal becomes a warning.
static void warn(NacreModel *m, int messages, int errors, const char *needs, const char *what) {
  const long long batch = m->program->batch;
  nc_diag_forget(m->diag, messages, errors);
  nc_warn(m->diag, NC_E0504, NC_NOWHERE, "a batch of %lld does not fit (%s): %s", batch, needs, what);
}

bool nc_walk_divide(NcWalk *l, int messages, int errors) {
  NacreModel *m = l->m;
  NcMessage *e = m->diag->messages.n > messages ? m->diag->messages.at[m->diag->messages.n - 1] : NULL;
  if (!e || e->code != NC_E0504) return false;
  const char *needs = nc_strdup(m->arena, e->text);
  int64_t parts, stretches, batch = m->program->batch;
  NcProgram *p = fewest_parts(l, &parts), *again;
  NcExamples why;
  if (p && same_result(l, p, parts, &why)) {
    warn(m, messages, errors, needs, nc_sprintf(m->arena, "it is trained as %lld × %lld, with the same result%s", (long long)parts,
         (long long)(batch / parts), why.draws ? " but for what is drawn at random" : ""));
    m->parts = parts;
    take(l, p);
    return true;
  }
  if ((again = fewest_stretches(l, &stretches))) {
    warn(m, messages, errors, needs, nc_sprintf(m->arena, "less is kept and computed again for the gradients, as by `recompute = %lld`, "
         "with the same result; a step takes up to a third longer", (long long)stretches));
    m->recomputes = true;
    take(l, again);
    return true;
  }
  if (p) {
    refuse(l, e, parts, &why);
  } else if (parts < batch) {
    nc_note(m->diag, e, "up to %lld parts of the batch, one after the other, do not fit, and more were not tried: %d s were over", (long long)parts, SECONDS);
    nc_help(m->diag, e, "--set train.batch=1 --set train.accumulate=%lld takes one example at a time; else use a smaller model",
            (long long)(batch * l->recipe->accumulate));
  } else {
    nc_help(m->diag, e, "nor does a part of the batch, one after the other: use a smaller model, or a device with more memory");
  }
  return false;
}
