// Folders of images: what is decoded and how it is scaled, labels from folders, and what is refused.
#include "config.h"
#include <sys/stat.h>
#include "io/image.h"
#include "sources.h"

#if defined HAVE_PNG && defined HAVE_JPEG
#include <jpeglib.h>
#include <png.h>

static void folder(const char *name) { ck_assert_int_eq(mkdir(temp_path(name), 0777), 0); }

typedef struct { unsigned char *at; size_t n; } Bytes;

static void grow(png_structp png, png_bytep bytes, size_t n) {
  Bytes *b = png_get_io_ptr(png);
  ck_assert_ptr_nonnull(b->at = realloc(b->at, b->n + n));
  memcpy(b->at + b->n, bytes, n);
  b->n += n;
}

// Rows as PNG holds them, of this kind and depth.
static Bytes png_of(int kind, int depth, int width, int height, const unsigned char *rows, size_t row, bool interlaced) {
  Bytes b = {0};
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png_create_info_struct(png);
  png_color palette[2] = {{10, 20, 30}, {200, 100, 50}};
  png_set_write_fn(png, &b, grow, NULL);
  png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, depth, kind,
               interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
  if (kind == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 2);
  png_write_info(png, info);
  int passes = png_set_interlace_handling(png);
  for (int p = 0; p < passes; p++)
    for (int y = 0; y < height; y++) png_write_row(png, rows + (size_t)y * row);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return b;
}

static Bytes grey_png(int width, int height, int value) {
  unsigned char *rows = malloc((size_t)(width * height));
  memset(rows, value, (size_t)(width * height));
  Bytes b = png_of(PNG_COLOR_TYPE_GRAY, 8, width, height, rows, (size_t)width, false);
  free(rows);
  return b;
}

// One colour in all points.
static Bytes jpeg_of(J_COLOR_SPACE space, int channels, int width, int height, const unsigned char *colour) {
  Bytes b = {0};
  unsigned long n = 0;
  struct jpeg_compress_struct j;
  struct jpeg_error_mgr trouble;
  j.err = jpeg_std_error(&trouble);
  jpeg_create_compress(&j);
  jpeg_mem_dest(&j, &b.at, &n);
  j.image_width = (JDIMENSION)width;
  j.image_height = (JDIMENSION)height;
  j.input_components = channels;
  j.in_color_space = space;
  jpeg_set_defaults(&j);
  jpeg_set_quality(&j, 100, TRUE);
  jpeg_start_compress(&j, TRUE);
  unsigned char *row = malloc((size_t)(width * channels));
  for (int i = 0; i < width * channels; i++) row[i] = colour[i % channels];
  for (int y = 0; y < height; y++) jpeg_write_scanlines(&j, &row, 1);
  jpeg_finish_compress(&j);
  jpeg_destroy_compress(&j);
  free(row);
  b.n = n;
  return b;
}

static NcBytes bytes_of(Bytes b) { return (NcBytes){.path = "p.png", .data = b.at, .n = b.n, .size = b.n}; }

static NcImage parsed(Bytes b) {
  NcImage m;
  NcBytes n = bytes_of(b);
  ck_assert_msg(nc_image_parse(arena, diag, &n, &m), "%s", messages(diag));
  return m;
}

static void saved(const char *name, Bytes b) {
  temp_write(name, b.at, b.n);
  free(b.at);
}

static void pixels(const NcImage *m, int width, int height, int channels, const unsigned char *want) {
  ck_assert_int_eq(m->width, width);
  ck_assert_int_eq(m->height, height);
  ck_assert_int_eq(m->channels, channels);
  ck_assert_mem_eq(m->pixel, want, (size_t)(width * height * channels));
}

START_TEST(test_png_kinds) {
  static const unsigned char grey[] = {0, 50, 100, 150, 200, 250}, deep[] = {0x12, 0x34, 0xff, 0xff}, bits[] = {0xa0},
                             two[] = {0x40}, alpha[] = {100, 255, 100, 0, 0, 128},
                             rgba[] = {255, 0, 0, 255, 0, 0, 255, 0};
  const struct { int kind, depth, width, height; const unsigned char *rows; size_t row; int channels; unsigned char want[8]; } k[] = {
    {PNG_COLOR_TYPE_GRAY, 8, 3, 2, grey, 3, 1, {0, 50, 100, 150, 200, 250}},
    {PNG_COLOR_TYPE_GRAY, 16, 2, 1, deep, 4, 1, {0x12, 255}},
    {PNG_COLOR_TYPE_GRAY, 1, 3, 1, bits, 1, 1, {255, 0, 255}},
    {PNG_COLOR_TYPE_PALETTE, 1, 2, 1, two, 1, 3, {10, 20, 30, 200, 100, 50}},
    {PNG_COLOR_TYPE_RGB, 8, 2, 1, grey, 6, 3, {0, 50, 100, 150, 200, 250}},
    {PNG_COLOR_TYPE_GRAY_ALPHA, 8, 3, 1, alpha, 6, 1, {100, 255, 127}},     // over white
    {PNG_COLOR_TYPE_RGB_ALPHA, 8, 2, 1, rgba, 8, 3, {255, 0, 0, 255, 255, 255}},
  };
  for (int i = 0; i < 2 * LENGTH(k); i++) {
    const int c = i / 2;
    Bytes b = png_of(k[c].kind, k[c].depth, k[c].width, k[c].height, k[c].rows, k[c].row, i % 2);
    NcImage m = parsed(b);
    pixels(&m, k[c].width, k[c].height, k[c].channels, k[c].want);
    free(b.at);
  }
}
END_TEST

START_TEST(test_jpeg) {
  static const unsigned char colour[] = {200, 40, 90, 10};
  Bytes b = jpeg_of(JCS_RGB, 3, 9, 5, colour), g = jpeg_of(JCS_GRAYSCALE, 1, 9, 5, colour), c = jpeg_of(JCS_CMYK, 4, 9, 5, colour);
  NcImage m = parsed(b), grey = parsed(g);
  ck_assert_int_eq(m.width * 100 + m.height * 10 + m.channels, 953);
  for (int i = 0; i < 45 * 3; i++) ck_assert_int_le(abs(m.pixel[i] - colour[i % 3]), 2);
  ck_assert_int_eq(grey.channels, 1);
  for (int i = 0; i < 45; i++) ck_assert_int_le(abs(grey.pixel[i] - 200), 1);
  NcBytes cmyk = bytes_of(c), half = bytes_of(b);
  ck_assert(!nc_image_parse(arena, diag, &cmyk, &m));
  expect_error(NC_E0404, "`p.png` is a JPEG image in CMYK");
  for (size_t n = 4; n < b.n; n += 7) {                    // cut off anywhere
    half.n = n;
    ck_assert(!nc_image_parse(arena, diag, &half, &m));
    expect_error(NC_E0402, "`p.png` is no sound JPEG image");
  }
  free(b.at);
  free(g.at);
  free(c.at);
}
END_TEST

// Any damage is either told or does not matter; none crashes.
START_TEST(test_damaged) {
  static const unsigned char noise[48] = {9, 1, 7, 200, 3, 5, 80, 1, 7, 200, 3, 5, 1, 255, 0, 9, 8, 7, 66, 5, 4};
  Bytes all[] = {png_of(PNG_COLOR_TYPE_RGB, 8, 4, 4, noise, 12, true), jpeg_of(JCS_RGB, 3, 20, 20, noise)};
  NcImage m;
  for (int k = 0; k < 2; k++) {
    for (size_t i = 0; i < all[k].n; i++)
      for (int bit = 0; bit < 8; bit += 3) {
        NcBytes b = bytes_of(all[k]);
        all[k].at[i] ^= (unsigned char)(1 << bit);
        if (!nc_image_parse(arena, diag, &b, &m)) ck_assert_int_gt(diag->errors, 0);
        diag->errors = diag->messages.n = 0;
        all[k].at[i] ^= (unsigned char)(1 << bit);
      }
    NcBytes cut = bytes_of(all[k]);
    for (cut.n = 0; cut.n < all[k].n - 4; cut.n++) ck_assert(!nc_image_parse(arena, diag, &cut, &m));
    diag->errors = diag->messages.n = 0;
    free(all[k].at);
  }
  NcBytes text = {.path = "p.png", .data = (const unsigned char *)"hello", .n = 5},
      gif = {.path = "a.gif", .data = (const unsigned char *)"GIF89a..", .n = 8};
  ck_assert(!nc_image_parse(arena, diag, &text, &m));
  expect_error(NC_E0402, "neither a PNG nor a JPEG");
  ck_assert(!nc_image_parse(arena, diag, &gif, &m));
  expect_error(NC_E0404, "`a.gif` is a GIF image");
  Bytes strip = grey_png(1, (1 << 16) + 1, 9);             // a few bytes packed; to scale it would take gigabytes
  NcBytes tall = bytes_of(strip);
  ck_assert(!nc_image_parse(arena, diag, &tall, &m));
  expect_error(NC_E0402, "1 by 65537 points large");
  free(strip.at);
}
END_TEST

START_TEST(test_fit) {
  unsigned char ramp[8 * 4], out[64];
  for (int i = 0; i < 32; i++) ramp[i] = (unsigned char)(i % 8 * 10);
  NcImage m = {8, 4, 1, ramp};
  nc_image_fit(arena, &m, NC_FIT_STRETCH, 1, 4, 8, out);                       // the same size: the same
  ck_assert_mem_eq(out, ramp, 32);
  nc_image_fit(arena, &m, NC_FIT_CROP, 1, 4, 4, out);                          // the middle four columns
  for (int i = 0; i < 16; i++) ck_assert_int_eq(out[i], (2 + i % 4) * 10);
  nc_image_fit(arena, &m, NC_FIT_STRETCH, 1, 2, 4, out);                       // halved: weights 1 3 3 1 of 8
  const unsigned char half[4] = {7, 25, 45, 63};                               // (0·3 + 10·3 + 20)/7, 25, 45, (50 + 60·3 + 70·3)/7
  for (int i = 0; i < 8; i++) ck_assert_int_eq(out[i], half[i % 4]);
  unsigned char two[] = {0, 100};
  NcImage small = {2, 1, 1, two};
  nc_image_fit(arena, &small, NC_FIT_STRETCH, 3, 1, 4, out);                   // bilinear, and grey as three planes
  const unsigned char doubled[] = {0, 25, 75, 100, 0, 25, 75, 100, 0, 25, 75, 100};
  ck_assert_mem_eq(out, doubled, sizeof doubled);
  unsigned char colour[] = {200, 100, 50};
  NcImage dot = {1, 1, 3, colour};
  nc_image_fit(arena, &dot, NC_FIT_CROP, 1, 1, 1, out);
  ck_assert_int_eq(out[0], 124);                                               // 59.8 + 58.7 + 5.7 = 124.2
  nc_image_fit(arena, &dot, NC_FIT_CROP, 3, 3, 5, out);
  for (int i = 0; i < 45; i++) ck_assert_int_eq(out[i], colour[i / 15]);
}
END_TEST

START_TEST(test_folders) {
  folder("zebra"), folder("ape");
  saved("zebra/2.png", grey_png(4, 3, 20)), saved("zebra/10.PNG", grey_png(4, 3, 10));
  saved("ape/x.jpeg", jpeg_of(JCS_GRAYSCALE, 1, 4, 3, (const unsigned char *)"\x1e"));
  temp_write("ape/.hidden.png", "?", 1), temp_write("notes.txt", "?", 1);
  NcDataset *set = open_good(SPEC("images", STR(NULL, temp_dir)));
  ck_assert_int_eq(set->n, 3);
  ck_assert(nc_shape_eq(set->field[0].shape, NC_SHAPE(3, 3, 4)));
  ck_assert_int_eq(set->field[0].dtype, NC_U8);
  ck_assert_int_eq(set->field[1].classes, 2);
  ck_assert_str_eq(set->field[1].class_name[0], "ape");
  ck_assert_str_eq(set->field[1].class_name[1], "zebra");
  const unsigned char grey[] = {30, 10, 20};                                  // 10.PNG before 2.png
  const int32_t label[] = {0, 1, 1};
  ck_assert_mem_eq(set->data[1], label, sizeof label);
  for (int i = 0; i < 3 * 36; i++) ck_assert_int_eq(((unsigned char *)set->data[0])[i], grey[i / 36]);
}
END_TEST

START_TEST(test_sizes) {
  folder("a");
  saved("a/1.png", grey_png(4, 3, 20)), saved("a/2.png", grey_png(8, 8, 10));
  NcSourceSpec apart = SPEC("images", STR(NULL, temp_dir)), two = SPEC("images", STR(NULL, temp_dir), INT("channels", 2));
  ck_assert_ptr_null(nc_source_open(arena, diag, &apart));
  expect_error(NC_E0405, "a/2.png` is 8 by 8 points large, but");
  ck_assert_ptr_null(nc_source_open(arena, diag, &two));
  expect_error(NC_E0312, "`channels` is 3 (colour) or 1 (grey)");
  NcDataset *set = open_good(SPEC("images", STR(NULL, temp_dir), INT("height", 2), INT("width", 6),
      INT("channels", 1), STR("fit", "stretch")));
  ck_assert(nc_shape_eq(set->field[0].shape, NC_SHAPE(1, 2, 6)));
  set = open_good(SPEC("images", STR(NULL, temp_path("a")), INT("width", 5)));   // no classes: no label; square
  ck_assert_int_eq(set->fields, 1);
  ck_assert(nc_shape_eq(set->field[0].shape, NC_SHAPE(3, 5, 5)));
}
END_TEST

START_TEST(test_refused) {
  NcFields f;
  NcSourceSpec s = SPEC("images", STR(NULL, temp_dir)), none = SPEC("images", STR(NULL, temp_path("none")));
  ck_assert(!nc_source_describe(arena, diag, &none, &f));
  expect_error(NC_E0401, "cannot open the folder");
  ck_assert(!nc_source_describe(arena, diag, &s, &f));
  expect_error(NC_E0406, "has no image");
  folder("a"), folder("b");
  saved("a/1.png", grey_png(2, 2, 1));
  ck_assert(!nc_source_describe(arena, diag, &s, &f));
  expect_error(NC_E0406, "b` is a class, but has no image");
  saved("b/1.png", grey_png(2, 2, 1)), saved("stray.png", grey_png(2, 2, 1));
  ck_assert(!nc_source_describe(arena, diag, &s, &f));
  expect_error(NC_E0405, "images without one (`stray.png`)");
  NcSourceSpec file = SPEC("images", STR(NULL, temp_path("stray.png")));
  ck_assert(!nc_source_describe(arena, diag, &file, &f));
  expect_error(NC_E0401, "not a single file");
  remove(temp_path("stray.png"));
  folder("b/deeper");
  ck_assert(!nc_source_describe(arena, diag, &s, &f));
  expect_error(NC_E0405, "has a folder `deeper` of its own");
  remove(temp_path("b/deeper"));
  temp_write("b/broken.png", "\x89PNG\r\n\x1a\n....", 12);
  ck_assert_ptr_null(nc_source_open(arena, diag, &s));
  expect_error(NC_E0402, "b/broken.png` is no sound PNG image");
}
END_TEST

static void opening(const void *spec) { ck_assert_ptr_nonnull(nc_source_open(arena, diag, spec)); }

START_TEST(test_memory) {
  folder("a");
  saved("a/1.png", grey_png(4, 3, 20));
  char path[256];
  snprintf(path, sizeof path, "%s", temp_dir);
  NcSourceSpec spec = SPEC("images", STR(NULL, path), INT("height", 2));
  ck_assert_int_gt(suite_without_memory(opening, &spec), 5);
}
END_TEST
#endif

int main(void) {
  Suite *s = suite_create("images");
  TCase *c = suite_case(s, "images", temp_open, temp_close);
  (void)c;
#if defined HAVE_PNG && defined HAVE_JPEG
  tcase_add_test(c, test_png_kinds);
  tcase_add_test(c, test_jpeg);
  tcase_add_test(c, test_damaged);
  tcase_add_test(c, test_fit);
  tcase_add_test(c, test_folders);
  tcase_add_test(c, test_sizes);
  tcase_add_test(c, test_refused);
  tcase_add_test(c, test_memory);
#endif
  return suite_run(s, CK_FORK_GETENV);
}
