#include "io/png.h"
#include "config.h"
#include "base/file.h"

#ifdef HAVE_PNG
#include <png.h>

enum { LARGEST = 1000000 };   // libpng's own limit to a side
static const char *const mend = "write it as .npy";

void *nc_png_encode(NcArena *a, int64_t width, int64_t height, int channels, const unsigned char *pixel, size_t *size,
                    const char **why) {
  png_image image = {.version = PNG_IMAGE_VERSION,
                     .format = channels == 1 ? PNG_FORMAT_GRAY : channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA};
  if (width < 1 || height < 1) return *why = "has no points", NULL;
  if (width > LARGEST || height > LARGEST || width * height > INT32_MAX / 4) return *why = "is too large", NULL;
  image.width = (png_uint_32)width;
  image.height = (png_uint_32)height;
  png_alloc_size_t room = PNG_IMAGE_PNG_SIZE_MAX(image);
  void *bytes = nc_alloc(a, room);
  if (!png_image_write_to_memory(&image, bytes, &room, 0, pixel, 0, NULL)) {
    *why = nc_sprintf(a, "is refused by libpng: %s", image.message);
    png_image_free(&image);
    return NULL;
  }
  *size = room;
  return bytes;
}
#else
static const char *const mend = "write .npy or .csv, or install libpng-dev and build again";

void *nc_png_encode(NcArena *a, int64_t width, int64_t height, int channels, const unsigned char *pixel, size_t *size,
                    const char **why) {
  (void)a, (void)width, (void)height, (void)channels, (void)pixel, (void)size;
  *why = "cannot be written: this nacre was built without libpng";
  return NULL;
}
#endif

bool nc_png_write(NcArena *a, NcDiag *d, const char *path, int64_t width, int64_t height, int channels,
                  const unsigned char *pixel) {
  size_t size;
  const char *why;
  const void *bytes = nc_png_encode(a, width, height, channels, pixel, &size, &why);
  if (bytes) return nc_write_file(d, path, bytes, size);
  nc_help(d, nc_error(d, NC_E0602, NC_NOWHERE, "an image of %lld by %lld points for `%s` %s", (long long)width, (long long)height, path,
                      why), "%s", mend);
  return false;
}
