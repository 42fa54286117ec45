// The front door of the compiler's back half: one graph in, one plan out.
#ifndef NC_COMPILE_H
#define NC_COMPILE_H
#include "graph/graph.h"
#include "plan/plan.h"

typedef struct {
  const char *name;        // also names kernels' labels
  bool verify;             // check the graph after every pass
  const char *stop_after;  // name of a pass; its graph or regions are printed to `dump` and no plan is made
  NcBuf *dump;
  NcBuf *timings;          // a line per pass, when not NULL
  int nkeep;               // vars that must have a place of their own even if nothing packs them
  bool apart;              // variables lie by themselves, not in packs: other plans of the session change them too
  bool no_fuse;            // every node its own region, every turn's launches apart: to look for a NaN, and to check fusion against itself
  const char *no_fast;     // comma-separated template names not to use ("gemm_cpu", "clblast", …): test seam
} NcCompileOptions;

// Returns NULL after errors (or after a `stop_after` dump).
NcPlan *nc_compile(NcArena *a, NcDiag *d, const NcGraph *g, const NcTarget *t, const NcCompileOptions *o);

// The table of passes, for --list-passes and --after.
typedef struct { const char *name, *doc; } NcPassInfo;
const NcPassInfo *nc_pass_info(int i);     // NULL past the end
#endif
