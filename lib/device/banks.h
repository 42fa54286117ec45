// A plan's program cut into parts, and kernels that share one: PoCL takes some 0.04 s for every kernel whatever is in it
// (its passes, the linker), so kernels of groups of one become functions, and a bank calls the one that it is told:
//
//     __kernel void nc_bank_0(int which_, __global void *p0, …, int i0, …) {
//       switch (which_) {
//       case 0: map_add_0_item(get_global_id(0), p0, p1, p2); break;
//       …
//
// Other drivers are given the program as it is.
#ifndef NC_BANKS_H
#define NC_BANKS_H
#include "plan/plan.h"

// A group's grid below this in all directions has code of its own (PoCL's grid_width_specialization_limit): a bank whose
// kernels are both would be compiled twice.
enum { NC_BANK_WIDE = 65535, NC_PART_BYTES = 80 << 10 };

// How a step's kernel is called.
typedef struct {
  const char *kernel;      // its name in the part
  int part;
  int which;               // its number in a bank, the bank's first argument; -1: a kernel of its own
  int buffers, numbers;    // of a bank: how many arguments of each kind follow
} NcEntry;

// A kernel that calls others.
typedef struct { const char *name; int part, buffers, numbers; bool wide; } NcBank;

typedef struct {
  NcArena *arena;
  int parts;
  const char **text;       // by part: OpenCL C
  int banks;
  NcBank *bank;
  NcEntry *entry;          // by step number; of kernels only
} NcParts;

// At most `parts` programs, equally large as far as that goes; 1 and no banks give the program as it is.
NcParts *nc_parts_cut(NcArena *a, const NcPlan *p, int parts, bool banks);

// Which argument of the entry's kernel takes the step's argument i.
int nc_entry_arg(const NcEntry *e, const NcStep *s, int i);
int nc_entry_args(const NcEntry *e, const NcStep *s);    // how many the kernel has
#endif
