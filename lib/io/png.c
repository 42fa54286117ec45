#include "io/png.h"
#include "config.h"
#include "base/file.h"

#ifdef HAVE_PNG
#include <png.h>

enum { LARGEST = 1000000 };   // libpng's own limit to a side

void *nc_png_encode(NcArena *a, int64_t width, int64_t height, int channels, const unsigned char *pixel, size_t *size) {
  png_image image = {.version = PNG_IMAGE_VERSION,
                     .format = channels == 1 ? PNG_FORMAT_GRAY : channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA};
  if (width < 1 || height < 1 || width > LARGEST || height > LARGEST || width * height > INT32_MAX / 4) return NULL;
  image.width = (png_uint_32)width;
  image.height = (png_uint_32)height;
  png_alloc_size_t room = PNG_IMAGE_PNG_SIZE_MAX(image);
  void *bytes = nc_alloc(a, room);
  if (!png_image_write_to_memory(&image, bytes, &room, 0, pixel, 0, NULL)) return png_image_free(&image), NULL;
  *size = room;
  return bytes;
}

bool nc_png_write(NcArena *a, NcDiag *d, const char *path, int64_t width, int64_t height, int channels,
                  const unsigned char *pixel) {
  size_t size;
  const void *bytes = nc_png_encode(a, width, height, channels, pixel, &size);
  if (bytes) return nc_write_file(d, path, bytes, size);
  nc_help(d, nc_error(d, NC_E0602, NC_NOWHERE, "an image of %lld by %lld points is too large for `%s`",
                      (long long)width, (long long)height, path), "write it as .npy");
  return false;
}
#else
void *nc_png_encode(NcArena *a, int64_t width, int64_t height, int channels, const unsigned char *pixel, size_t *size) {
  (void)a, (void)width, (void)height, (void)channels, (void)pixel, (void)size;
  return NULL;
}

bool nc_png_write(NcArena *a, NcDiag *d, const char *path, int64_t width, int64_t height, int channels,
                  const unsigned char *pixel) {
  (void)a, (void)width, (void)height, (void)channels, (void)pixel;
  nc_help(d, nc_error(d, NC_E0602, NC_NOWHERE, "cannot write `%s`: this nacre was built without libpng", path),
          "write .npy or .csv, or install libpng-dev and build again");
  return false;
}
#endif
