// Whole files: read at once; written beside and renamed, so that a reader never sees half of one.
#ifndef NC_FILE_H
#define NC_FILE_H
#include "base/diag.h"

// Reads the file into the arena (NUL-terminated). On failure reports `code` at `at` and returns NULL.
char *nc_read_file(NcArena *a, NcDiag *d, NcCode code, NcRange at, const char *path, size_t *size);

// Writes to PATH.tmp-PID, flushes it to the disk, renames it to PATH. On failure removes it, reports E0602, returns false.
// Where PATH is a link, that happens to the file that it names; what is there and no file (a terminal, a pipe) is written into.
bool nc_write_file(NcDiag *d, const char *path, const void *bytes, size_t size);

// The same in pieces: open, any number of nc_out_write, then nc_out_commit or nc_out_abandon.
typedef struct NcOut NcOut;
NcOut *nc_out_open(NcDiag *d, const char *path);              // NULL after an error
bool nc_out_write(NcOut *o, const void *bytes, size_t size);  // false once anything failed
bool nc_out_commit(NcOut *o, NcDiag *d);                      // frees o
void nc_out_abandon(NcOut *o);                                // frees o

// Removes what processes that were killed left beside the path, of which they were writing it.
void nc_remove_torn(const char *path);
#endif
