// A plan's program cut into parts, and the kernel that runs them: PoCL takes some 0.04 s for every kernel whatever is in it
// (its passes, the linker), so kernels of groups of one become functions, and a part has one kernel, its bank, which calls
// the one that it is told. PoCL takes some 0.05 ms to wake a second core, too: so a bank is told many steps at once
// (kernels/bank.cl), by a table of their functions, grids and arguments, and its groups go from one to the next.
//
// Other drivers are given the program as it is.
#ifndef NC_BANKS_H
#define NC_BANKS_H
#include "plan/plan.h"

// The bank's arguments: first step, the one after the last, turn of the loop around them; table, marks; buffers to be found.
// With a first step below 0 it writes where these buffers lie into the table, from place -1 - first on.
enum { NC_BANK_FIRST, NC_BANK_END, NC_BANK_TURN, NC_BANK_TABLE, NC_BANK_MARKS, NC_BANK_FOUND, NC_BANK_FINDS = 8,
       NC_BANK_ARGS = NC_BANK_FOUND + NC_BANK_FINDS };
enum { NC_BANK_ROW = 5, NC_BANK_LINE = 64, NC_PART_BYTES = 80 << 10 };   // numbers of a row; bytes between marks
#define NC_BANK_NAME "nc_bank"

// How a step's kernel is called.
typedef struct {
  const char *kernel;      // its name in the part
  int part;
  int which;               // its number in the part's bank; -1: a kernel of its own
} NcEntry;

typedef struct {
  NcArena *arena;
  int parts;
  const char **text;       // by part: OpenCL C
  bool *bank;              // by part: there is one
  NcEntry *entry;          // by step number; of kernels only
} NcParts;

// At most `parts` programs, equally large as far as that goes; 1 and no banks give the program as it is.
NcParts *nc_parts_cut(NcArena *a, const NcPlan *p, int parts, bool banks);
#endif
