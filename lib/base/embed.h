// Files that are part of the library: kernels, prelude, error pages, the style of reports (made by kernels/embed.sh).
#ifndef NC_EMBED_H
#define NC_EMBED_H
#include <stddef.h>

typedef struct { const char *name, *text; size_t size; } NcEmbedded;   // NUL-terminated; the last row has name NULL

extern const NcEmbedded nc_kernel_files[];
extern const NcEmbedded nc_prelude_files[];
extern const NcEmbedded nc_error_pages[];
extern const NcEmbedded nc_report_style[];      // one file
#endif
