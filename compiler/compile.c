// The pipeline: passes as data, run in order. A pass runs when the facts that it needs hold; --after, --list-passes,
// --verify and the timings all derive from the table.
#include "compile.h"
#include <string.h>
#include <time.h>
#include "gen/gen.h"
#include "passes/passes.h"

static bool generate(NcState *s) { return nc_generate(s->placement, s->diag, s->options); }

enum {
  SIMPLE = NC_GRAPH | NC_SIMPLE,
  SPLIT = SIMPLE | NC_SPLIT,
  ORDERED = SPLIT | NC_ORDERED,
  PLACED = ORDERED | NC_PLACED
};
static const NcPass passes[] = {
  {{"simplify", "algebra, constants folded, equal and dead nodes dropped: rules until none applies"}, nc_simplify,
   NC_GRAPH, SIMPLE},
  {{"copies", "values that outlive their variable get a place of their own"}, nc_copies, SIMPLE, SIMPLE},
  {{"remake", "where that is asked for, values are computed again for gradients instead of being kept"}, nc_remake, SIMPLE, SIMPLE},
  {{"fuse", "nodes become regions, one kernel each; movement becomes index arithmetic"}, nc_fuse, SIMPLE, SPLIT},
  {{"recompute", "cheap values are computed where they are read instead of being kept"}, nc_recompute, SPLIT, SPLIT},
  {{"update", "equal updates of variables become one launch over packs"}, nc_merge_updates, SPLIT, SPLIT},
  {{"schedule", "an order of regions in which little memory is live at once"}, nc_schedule, SPLIT, ORDERED},
  {{"loops", "the body of each loop becomes regions with places, by the same passes"}, nc_loops, ORDERED, ORDERED},
  {{"memory", "lifetimes to offsets in arenas, packs of variables, values in place"}, nc_memory, ORDERED, PLACED},
  {{"generate", "regions to OpenCL C and the plan's steps"}, generate, PLACED, PLACED | NC_DONE},
};
enum { COUNT = sizeof passes / sizeof *passes };

const NcPassInfo *nc_pass_info(int i) { return i >= 0 && i < COUNT ? &passes[i].info : NULL; }

static void dump(const NcState *s, unsigned facts, NcBuf *out) {
  if (facts & NC_PLACED) nc_plan_print(s->placement->plan, out, true);
  else if (facts & NC_SPLIT) nc_regions_print(s->regions, out);
  else nc_graph_print(s->graph, out);
}

static bool verify(const NcState *s, unsigned facts, const char *after) {
  if (!nc_graph_verify(s->graph, s->diag, after)) return false;
  if (facts & NC_SPLIT && !nc_regions_verify(s->regions, s->diag, after, facts & NC_ORDERED)) return false;
  if (facts & NC_PLACED && !nc_placement_verify(s->placement, s->diag)) return false;
  return !(facts & NC_DONE) || nc_plan_verify(s->placement->plan, s->diag);
}

static double milliseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool known(NcState *s, const char *pass) {
  const char *names[COUNT];
  for (int i = 0; i < COUNT; i++) {
    names[i] = passes[i].info.name;
    if (!pass || strcmp(pass, names[i]) == 0) return true;
  }
  NcMessage *m = nc_error(s->diag, NC_E0702, NC_NOWHERE, "there is no pass `%s`", pass);
  const char *near = nc_nearest(pass, names, COUNT);
  if (near) nc_help(s->diag, m, "did you mean `%s`?", near);
  return false;
}

bool nc_run_passes(NcState *s, const char *last) {
  const NcCompileOptions *o = s->options;
  unsigned facts = NC_GRAPH;
  for (int i = 0; i < COUNT; i++) {
    const NcPass *p = &passes[i];
    if ((facts & p->needs) != p->needs) return false;
    double start = milliseconds();
    if (!p->run(s)) return false;
    if (o->timings) nc_putf(o->timings, "%-10s %8.2f ms\n", p->info.name, milliseconds() - start);
    facts = p->leaves;
    if (o->verify && !verify(s, facts, p->info.name)) return false;
    if (!last || strcmp(last, p->info.name) != 0) continue;
    if (o->dump) dump(s, facts, o->dump);
    break;
  }
  return true;
}

NcPlan *nc_compile(NcArena *a, NcDiag *d, const NcGraph *g, const NcTarget *t, const NcCompileOptions *o) {
  // The first pass makes a graph of its own, so that g stays as it is.
  NcState s = {.arena = a, .diag = d, .target = t, .options = o, .graph = (NcGraph *)g, .stretches = g->stretches};
  if (!known(&s, o->stop_after) || (o->verify && !nc_graph_verify(g, d, "the front"))) return NULL;
  return nc_run_passes(&s, o->stop_after) && !o->stop_after ? s.placement->plan : NULL;
}
