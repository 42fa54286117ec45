// PNG images, written through libpng where configure found it.
#ifndef NC_PNG_H
#define NC_PNG_H
#include "base/diag.h"

// pixel: height × width × channels bytes, row by row; channels 1 (grey), 3 (RGB) or 4 (RGBA). False after E0602.
bool nc_png_write(NcArena *a, NcDiag *d, const char *path, int64_t width, int64_t height, int channels,
                  const unsigned char *pixel);
// The bytes of such a file; NULL, and *why, where that cannot be: "is too large", "cannot be written without libpng", …
void *nc_png_encode(NcArena *a, int64_t width, int64_t height, int channels, const unsigned char *pixel, size_t *size,
                    const char **why);
#endif
