// Running one plan once and comparing: for tests of generated kernels and for `nacre doctor`.
#ifndef NC_DEVICE_CHECK_H
#define NC_DEVICE_CHECK_H
#include "device/device.h"

typedef struct { const char *name; const void *data; size_t bytes; } NcFeed;   // an input or a variable, by name
typedef struct { const char *name; void *data; size_t bytes; } NcFetch;        // an output, or else a variable

// Loads the plan into a fresh session, writes the feeds (variables that are not fed stay zero), runs it `runs` times (0
// is 1) with poisoned arenas, reads the fetches, and frees all. With guard, also proves that no kernel wrote outside
// its arguments. False after an error in d.
typedef struct { int runs; bool guard, no_poison; } NcOnceOptions;
bool nc_exec_once(NcDevice *dev, NcDiag *d, const NcPlan *p, const NcFeed *feed, int feeds,
                  const NcFetch *fetch, int fetches, const NcOnceOptions *o);   // o NULL: all defaults

// Compares n values with what the reference gave: |got - want| <= absolute + relative * |want|, NaN equal to NaN and
// infinities to themselves. Fills in the worst.
// worst: the largest |got - want|; wrong: how many differ.
typedef struct { bool same; size_t index, wrong; double got, want, worst; } NcCompared;
NcCompared nc_compare(NcDtype dtype, const void *got, const double *want, size_t n, double absolute, double relative);

// Runs `work` in a child process and hands back the bytes that it put into `out`, so that a driver may crash or hang.
// OpenCL must not have been used in this process before (it does not survive fork); E0502 if it was, if the child died
// of a signal (named in the message) or took longer than `seconds` (0: no limit). What the child reported in its own
// NcDiag comes back as errors of the same code and help.
typedef bool (*NcChildWork)(void *user, NcArena *a, NcDiag *d, NcBuf *out);
bool nc_run_in_child(NcArena *a, NcDiag *d, double seconds, NcChildWork work, void *user, NcBuf *out);
#endif
