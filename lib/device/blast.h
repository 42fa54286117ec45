// CLBlast, found with dlopen; a machine without it simply has none. Internal to lib/device.
#ifndef NC_BLAST_H
#define NC_BLAST_H
#include "device/internal.h"

NcBlast *nc_blast(NcDevice *dev);                 // opened by the first call; NULL when it is not installed
void nc_blast_close(NcDevice *dev);

// Both return 0 or an error code, which nc_blast_code names. `temp` holds at least what nc_blast_workspace asked for;
// it may be NULL for 0 bytes. Batched products take none: CLBlast allocates for them itself.
int nc_blast_workspace(NcBlast *b, cl_command_queue queue, const NcStep *s, size_t *bytes);
int nc_blast_gemm(NcBlast *b, cl_command_queue queue, const NcStep *s, cl_mem ma, cl_mem mb, cl_mem mc, cl_mem temp);
const char *nc_blast_code(int code);
#endif
