#include "io/image.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "base/buf.h"

// A long thin image is small, but what it takes to scale it is not.
enum { MOST_POINTS = 1 << 27, MOST_SIDE = 1 << 16 };

static bool too_large(NcDiag *d, const NcBytes *b, int64_t width, int64_t height) {
  bool sides = width > 0 && width <= MOST_SIDE && height > 0 && height <= MOST_SIDE;
  if (sides && width * height <= MOST_POINTS) return false;
  nc_malformed(d, b, "says that it is %lld by %lld points large; up to %d points are read, and %d along a side",
               (long long)width, (long long)height, MOST_POINTS, MOST_SIDE);
  return true;
}

#if !defined HAVE_PNG || !defined HAVE_JPEG
static bool not_built(NcDiag *d, const NcBytes *b, const char *format, const char *library, const char *package) {
  nc_help(d, nc_error(d, NC_E0404, b->at, "`%s` is a %s image, but this nacre was built without %s", b->path, format,
                      library),
          "install %s (apt) and build again", package);
  return false;
}
#endif

// ---- PNG ----

#ifdef HAVE_PNG
#include <png.h>

typedef struct { const NcBytes *b; size_t at; char why[160]; } PngFile;

static void png_take(png_structp png, png_bytep to, size_t n) {
  PngFile *f = png_get_io_ptr(png);
  if (n > f->b->n - f->at) png_error(png, "it ends too early");
  memcpy(to, f->b->data + f->at, n);
  f->at += n;
}

static void png_fail(png_structp png, png_const_charp why) {
  PngFile *f = png_get_error_ptr(png);
  snprintf(f->why, sizeof f->why, "%s", why);
  png_longjmp(png, 1);
}

static void png_quiet(png_structp png, png_const_charp why) { (void)png, (void)why; }

// libpng's own memory is the arena's, so nothing is left behind wherever a jump goes.
static png_voidp png_more(png_structp png, size_t n) { return nc_alloc(png_get_mem_ptr(png), n); }
static void png_keep(png_structp png, png_voidp p) { (void)png, (void)p; }

// In place, from 1 to 4 channels to 1 or 3: over white where it is transparent.
static void flatten(NcImage *m, int channels) {
  size_t points = (size_t)m->width * (size_t)m->height;
  m->channels = channels > 2 ? 3 : 1;
  if (channels == m->channels) return;
  const unsigned char *from = m->pixel;
  unsigned char *to = m->pixel;
  for (size_t i = 0; i < points; i++, from += channels) {
    int alpha = from[channels - 1];
    for (int c = 0; c < m->channels; c++) *to++ = (unsigned char)((from[c] * alpha + 255 * (255 - alpha) + 127) / 255);
  }
}

static bool read_png(NcArena *a, NcDiag *d, const NcBytes *b, NcImage *out) {
  PngFile *f = NC_NEW(a, PngFile);
  f->b = b;
  png_structp png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, f, png_fail, png_quiet, a, png_more, png_keep);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) return nc_malformed(d, b, "cannot be read: libpng does not start"), false;
  if (setjmp(png_jmpbuf(png))) {
    nc_malformed(d, b, "is no sound PNG image: %s", f->why);
    return false;
  }
  png_set_read_fn(png, f, png_take);
  png_set_user_limits(png, MOST_POINTS, MOST_POINTS);
  png_read_info(png, info);
  out->width = (int)png_get_image_width(png, info);
  out->height = (int)png_get_image_height(png, info);
  if (too_large(d, b, out->width, out->height)) return false;
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  size_t row = png_get_rowbytes(png, info);
  out->pixel = nc_alloc_array(a, (size_t)out->height, row);
  png_bytepp rows = NC_NEW_N(a, png_bytep, out->height);
  for (int y = 0; y < out->height; y++) rows[y] = out->pixel + (size_t)y * row;
  png_read_image(png, rows);
  png_read_end(png, NULL);
  flatten(out, png_get_channels(png, info));
  return true;
}
#else
static bool read_png(NcArena *a, NcDiag *d, const NcBytes *b, NcImage *out) {
  (void)a, (void)out;
  return not_built(d, b, "PNG", "libpng", "libpng-dev");
}
#endif

// ---- JPEG ----

#ifdef HAVE_JPEG
#include <jpeglib.h>
#include <jerror.h>

typedef struct { struct jpeg_error_mgr base; jmp_buf jump; char why[JMSG_LENGTH_MAX]; } JpegTrouble;

static void jpeg_fail(j_common_ptr j) {
  JpegTrouble *t = (JpegTrouble *)j->err;
  j->err->format_message(j, t->why);
  longjmp(t->jump, 1);
}

// Of the warnings only those count that leave a part of the image grey.
static void jpeg_warn(j_common_ptr j, int level) {
  if (level < 0 && (j->err->msg_code == JWRN_JPEG_EOF || j->err->msg_code == JWRN_HIT_MARKER)) jpeg_fail(j);
}

// Without memory for the pixels: the size alone. Nothing of the arena is taken while libjpeg holds memory of its own.
static bool jpeg_pass(const NcBytes *b, NcImage *m, bool *cmyk, JpegTrouble *t) {
  struct jpeg_decompress_struct j = {.err = jpeg_std_error(&t->base)};
  t->base.error_exit = jpeg_fail;
  t->base.emit_message = jpeg_warn;
  if (setjmp(t->jump)) {
    jpeg_destroy_decompress(&j);
    return false;
  }
  jpeg_create_decompress(&j);
  jpeg_mem_src(&j, b->data, (unsigned long)b->n);
  jpeg_read_header(&j, TRUE);
  *cmyk = j.jpeg_color_space == JCS_CMYK || j.jpeg_color_space == JCS_YCCK;
  m->width = (int)j.image_width;
  m->height = (int)j.image_height;
  m->channels = j.jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
  if (m->pixel) {
    j.out_color_space = m->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    j.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&j);
    while (j.output_scanline < j.output_height) {
      JSAMPROW row = m->pixel + (size_t)j.output_scanline * (size_t)(m->width * m->channels);
      jpeg_read_scanlines(&j, &row, 1);
    }
    jpeg_finish_decompress(&j);
  }
  jpeg_destroy_decompress(&j);
  return true;
}

static bool read_jpeg(NcArena *a, NcDiag *d, const NcBytes *b, NcImage *out) {
  JpegTrouble *t = NC_NEW(a, JpegTrouble);
  bool cmyk = false, good = jpeg_pass(b, out, &cmyk, t);
  if (good && cmyk) {
    nc_help(d, nc_error(d, NC_E0404, b->at, "`%s` is a JPEG image in CMYK, the colours of print", b->path),
            "convert it to RGB, for example with `magick FILE -colorspace sRGB FILE`");
    return false;
  }
  if (good && too_large(d, b, out->width, out->height)) return false;
  if (good) {
    out->pixel = nc_alloc_array(a, (size_t)out->height, (size_t)(out->width * out->channels));
    good = jpeg_pass(b, out, &cmyk, t);
  }
  if (!good) nc_malformed(d, b, "is no sound JPEG image: %s", t->why);
  return good;
}
#else
static bool read_jpeg(NcArena *a, NcDiag *d, const NcBytes *b, NcImage *out) {
  (void)a, (void)out;
  return not_built(d, b, "JPEG", "libjpeg", "libjpeg62-turbo-dev");
}
#endif

bool nc_image_parse(NcArena *a, NcDiag *d, const NcBytes *b, NcImage *out) {
  static const struct { const char *magic; size_t n; const char *name; bool (*read)(NcArena *, NcDiag *, const NcBytes *, NcImage *); }
  format[] = {
    {"\x89PNG\r\n\x1a\n", 8, "PNG", read_png}, {"\xff\xd8\xff", 3, "JPEG", read_jpeg},
    {"GIF8", 4, "GIF", NULL}, {"BM", 2, "BMP", NULL}, {"RIFF", 4, "WebP", NULL},
    {"II*", 3, "TIFF", NULL}, {"MM\0*", 4, "TIFF", NULL},
  };
  *out = (NcImage){0};
  for (size_t i = 0; i < sizeof format / sizeof *format; i++) {
    if (b->n < format[i].n || memcmp(b->data, format[i].magic, format[i].n) != 0) continue;
    if (format[i].read) return format[i].read(a, d, b, out);
    nc_help(d, nc_error(d, NC_E0404, b->at, "`%s` is a %s image; PNG and JPEG are read", b->path, format[i].name),
            "convert it to PNG");
    return false;
  }
  nc_malformed(d, b, "is neither a PNG nor a JPEG image");
  return false;
}
