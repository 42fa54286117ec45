#include "gen/helpers.h"
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include "base/embed.h"

static const char *const files[] = {"math.cl", "random.cl", "store.cl", "memory.cl"};

// Whether the program calls a function whose name begins as one defined in the file: nc_erf_float8 is nc_erf##….
static bool needs(const char *program, const char *file) {
  for (const char *p = program; (p = strstr(p, "nc_")); p += 3) {
    size_t n = 3;
    while (isalnum((unsigned char)p[n])) n++;
    for (const char *q = file; (q = strstr(q, "nc_")); q += 3)
      if (strncmp(p, q, n) == 0 && !isalnum((unsigned char)q[n])) return true;
  }
  return false;
}

void nc_gen_helpers(NcBuf *out, const char *program) {
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    for (const NcEmbedded *f = nc_kernel_files; f->name; f++)
      if (strcmp(f->name, files[i]) == 0 && needs(program, f->text)) nc_put(out, f->text);
}
