#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include "nets.h"
#include "gen/gen.h"
#include "passes/passes.h"

__attribute__((weak)) bool nc_generate(NcPlacement *p, NcDiag *d, const NcCompileOptions *o) { (void)p, (void)d, (void)o; return true; }
__attribute__((weak)) size_t nc_region_workspace(const NcRegion *r, const NcTarget *t) { (void)r, (void)t; return 0; }

int main(int argc, char **argv) {
  NcArena *a = nc_arena_new();
  NcDiag *d = nc_diag_new(a);
  const char *what = argc > 1 ? argv[1] : "mlp";
  NcGraph *g = *what == 'm' ? net_mlp(a, d, 128, true) : *what == 'c' ? net_cnn(a, d, 128, true) :
    *what == 'g' ? net_gpt_block(a, d, 4, 64, 128, 4, true) : net_resnet_block(a, d, 8, 64, 56, true);
  NcBuf out = NC_BUF(a), times = NC_BUF(a);
  NcTarget t = nc_target_default(NC_CLASS_CPU);
  NcCompileOptions o = {.name = "x", .verify = true, .stop_after = argc > 2 ? argv[2] : "memory", .dump = &out, .timings = &times, .no_fuse = argc > 3};
  NcState s = {.arena = a, .diag = d, .target = &t, .options = &o, .graph = g};
  nc_run_passes(&s, o.stop_after);
  NcBuf e = NC_BUF(a);
  nc_diag_render(d, &e, false);
  fputs(nc_buf_str(&e), stdout);
  fputs(nc_buf_str(&out), stdout);
  fputs(nc_buf_str(&times), stdout);
  if (s.regions) printf("%d regions %d nodes\n", s.regions->region.n, s.graph->node.n);
  return 0;
}
