// The file readers: gzip, idx, npy, and that no bytes at all make any of them crash.
#include <math.h>
#include <stdint.h>
#include <zlib.h>
#include "io/csv.h"
#include "io/idx.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "readers.h"

// ---- bytes ----
static size_t pack(const void *p, size_t n, unsigned char *out, size_t cap) {
  z_stream z = {0};
  ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = (unsigned char *)(uintptr_t)p;
  z.avail_in = (uInt)n;
  z.next_out = out;
  z.avail_out = (uInt)cap;
  ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
  deflateEnd(&z);
  return cap - z.avail_out;
}

START_TEST(test_gzip) {
  unsigned char text[5000], packed[12000];
  for (int i = 0; i < 5000; i++) text[i] = (unsigned char)(i * i >> 3);
  size_t one = pack(text, 5000, packed, sizeof packed), two = pack(text, 100, packed + one, sizeof packed - one);
  NcBytes b;
  ck_assert(nc_bytes_read(arena, diag, NC_NOWHERE, temp_write("a.gz", packed, one), 0, &b));
  ck_assert_uint_eq(b.n, 5000);
  ck_assert_mem_eq(b.data, text, 5000);
  // Two members: the size at the end is only the second one's.
  ck_assert(nc_bytes_read(arena, diag, NC_NOWHERE, temp_write("b.gz", packed, one + two), 0, &b));
  ck_assert_uint_eq(b.n, 5100);
  ck_assert_mem_eq(b.data, text, 5000);
  ck_assert_mem_eq(b.data + 5000, text, 100);
  ck_assert(nc_bytes_read(arena, diag, NC_NOWHERE, temp_write("b.gz", packed, one + two), 64, &b));
  ck_assert(b.head);
  ck_assert_uint_ge(b.n, 64);
  ck_assert_mem_eq(b.data, text, b.n);
  for (size_t n = 2; n < one; n += n < 40 ? 1 : 97) {
    ck_assert(!nc_bytes_read(arena, diag, NC_NOWHERE, temp_write("c.gz", packed, n), 0, &b));
    expect_error(NC_E0402, "c.gz` ends in the middle of its gzip data");
  }
  packed[one / 2] ^= 0x55;
  ck_assert(!nc_bytes_read(arena, diag, NC_NOWHERE, temp_write("d.gz", packed, one), 0, &b));
  expect_error(NC_E0402, "gzip data");
}
END_TEST

START_TEST(test_absent) {
  NcBytes b;
  temp_write("train-images.gz", "x", 1);
  ck_assert(!nc_bytes_read(arena, diag, NC_NOWHERE, temp_path("train-imges.gz"), 0, &b));
  expect_error(NC_E0401, "No such file");
  ck_assert_ptr_nonnull(strstr(diag->messages.at[0]->help, "train-images.gz"));
  ck_assert(!nc_bytes_read(arena, diag, NC_NOWHERE, temp_path("no/such"), 0, &b));
  expect_error(NC_E0401, "No such file");
  ck_assert(!nc_bytes_read(arena, diag, NC_NOWHERE, temp_dir, 0, &b));
  expect_error(NC_E0401, "directory");
  ck_assert(nc_bytes_read(arena, diag, NC_NOWHERE, temp_write("empty", "", 0), 0, &b));
  ck_assert_uint_eq(b.n, 0);
}
END_TEST

START_TEST(test_size_of) {
  size_t n, size;
  ck_assert(nc_size_of(NC_SHAPE(3, 4), 4, &n, &size) && n == 12 && size == 48);
  ck_assert(nc_size_of(NC_SCALAR, 8, &n, &size) && n == 1 && size == 8);
  ck_assert(nc_size_of(NC_SHAPE(5, 0), 8, &n, &size) && n == 0 && size == 0);
  ck_assert(!nc_size_of(NC_SHAPE(-1, 4), 4, &n, &size));
  ck_assert(!nc_size_of(NC_SHAPE(INT64_MAX, 4), 4, &n, &size));
  ck_assert(!nc_size_of(NC_SHAPE(1 << 24, 1 << 24, 1 << 16), 1, &n, &size));
  ck_assert(!nc_size_of(NC_SHAPE((int64_t)1 << 47), 4, &n, &size));
}
END_TEST

// ---- idx ----
START_TEST(test_idx_types) {
  NcArray x;
  NcBytes b = BYTES("\0\0\x08\x02\0\0\0\2\0\0\0\3abcdef");
  ck_assert(nc_idx_parse(arena, diag, &b, &x));
  ck_assert_str_eq(nc_type_str(arena, x.type), "u8[2,3]");
  ck_assert_mem_eq(x.data, "abcdef", 6);
  b = BYTES("\0\0\x09\x01\0\0\0\2\xff\x7f");
  ck_assert(nc_idx_parse(arena, diag, &b, &x));
  ck_assert_int_eq(((int32_t *)x.data)[0], -1);
  ck_assert_int_eq(((int32_t *)x.data)[1], 127);
  b = BYTES("\0\0\x0b\x01\0\0\0\2\xff\xfe\x01\x02");
  ck_assert(nc_idx_parse(arena, diag, &b, &x));
  ck_assert_int_eq(((int32_t *)x.data)[0], -2);
  ck_assert_int_eq(((int32_t *)x.data)[1], 258);
  b = BYTES("\0\0\x0c\x01\0\0\0\1\x80\0\0\1");
  ck_assert(nc_idx_parse(arena, diag, &b, &x));
  ck_assert_int_eq(((int32_t *)x.data)[0], -2147483647);
  b = BYTES("\0\0\x0d\x01\0\0\0\1\xc0\x20\0\0");
  ck_assert(nc_idx_parse(arena, diag, &b, &x));
  ck_assert_float_eq(((float *)x.data)[0], -2.5f);
  b = BYTES("\0\0\x0e\x01\0\0\0\1\x40\x09\x21\xfb\x54\x44\x2d\x18");
  ck_assert(nc_idx_parse(arena, diag, &b, &x));
  ck_assert_float_eq(((float *)x.data)[0], 3.14159265f);
}
END_TEST

static const struct { const char *text; size_t n; const char *error;
} bad_idx[] = {
#define BAD(text, error) {text, sizeof(text) - 1, error}
  BAD("", "is no IDX file: it has 0 bytes"),
  BAD("\0\0\x08", "is no IDX file"),
  BAD("\0\0\x0a\1\0\0\0\1x", "begins with 00 00 0a 01"),
  BAD("PK\x03\x04", "begins with 50 4b 03 04"),
  BAD("\0\0\x08\0x", "has 0 axes"),
  BAD("\0\0\x08\x09xxxxxxxx", "has 9 axes"),
  BAD("\0\0\x08\2\0\0\0\2", "ends within its header: 8 bytes"),
  BAD("\0\0\x08\1\0\0\0\3ab", "has 2 bytes of elements, but its header says u8[3]"),
  BAD("\0\0\x08\1\0\0\0\3abcd", "has 4 bytes of elements"),
  BAD("\0\0\x0e\1\0\0\0\1abcd", "which is 8 bytes"),
  BAD("\0\0\x0e\3\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
      "abcd",
      "which no file can hold"),
};

START_TEST(test_idx_bad) {
  NcArray x;
  NcBytes b = bytes(bad_idx[_i].text, bad_idx[_i].n);
  ck_assert(!nc_idx_parse(arena, diag, &b, &x));
  expect_error(NC_E0402, bad_idx[_i].error);
}
END_TEST

START_TEST(test_idx_header) {
  unsigned char image[16 + 4 * 784] = {0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 28, 0, 0, 0, 28}, packed[5000];
  NcArray x;
  ck_assert(nc_idx_header(arena, diag, NC_NOWHERE, temp_write("i", image, sizeof image), &x));
  ck_assert_str_eq(nc_type_str(arena, x.type), "u8[4,28,28]");
  ck_assert_ptr_null(x.data);
  size_t n = pack(image, sizeof image, packed, sizeof packed);
  ck_assert(nc_idx_header(arena, diag, NC_NOWHERE, temp_write("i.gz", packed, n), &x));
  ck_assert_str_eq(nc_type_str(arena, x.type), "u8[4,28,28]");
  ck_assert(nc_idx_read(arena, diag, NC_NOWHERE, temp_path("i.gz"), &x));
  ck_assert(!nc_idx_header(arena, diag, NC_NOWHERE, temp_write("short", image, sizeof image - 1), &x));
  expect_error(NC_E0402, "has 3135 bytes of elements");
}
END_TEST

// ---- npy ----
static NcBytes npy(int major, const char *dict, const void *data, size_t n) {
  NcBuf b = NC_BUF(arena);
  size_t text = strlen(dict);
  nc_putn(&b, "\x93NUMPY", 6);
  nc_putc(&b, (char)major);
  for (int i = 0; i < (major == 1 ? 3 : 5); i++) nc_putc(&b, (char)(i ? text >> 8 * (i - 1) : 0));
  nc_put(&b, dict);
  nc_putn(&b, data, n);
  return bytes(b.at, b.n);
}
#define DICT(descr, shape) "{'descr': '" descr "', 'fortran_order': False, 'shape': " shape ", }\n"

static const struct { const char *dict, *data; size_t n; const char *type; double first, last;
} npys[] = {
#define NPY(dict, data, type, first, last) {dict, data, sizeof(data) - 1, type, first, last}
  NPY(DICT("<f4", "(2,)"), "\0\0\x80\x3f\0\0\x20\xc0", "f32[2]", 1, -2.5),
  NPY(DICT(">f4", "(1, 1)"), "\x3f\x80\0\0", "f32[1,1]", 1, 1),
  NPY(DICT("<f8", "(1,)"), "\0\0\0\0\0\0\x04\xc0", "f32[1]", -2.5, -2.5),
  NPY(DICT("<f2", "(4,)"), "\0\x3c\xff\x7b\1\0\0\xc4", "f32[4]", 1, -4),
  NPY(DICT("|u1", "(3,)"), "\1\2\xff", "u8[3]", 1, 255),
  NPY(DICT("|b1", "(2,)"), "\0\7", "bool[2]", 0, 1),
  NPY(DICT("|i1", "(2,)"), "\x80\x7f", "i32[2]", -128, 127),
  NPY(DICT("<i2", "(1,)"), "\xfe\xff", "i32[1]", -2, -2),
  NPY(DICT(">u2", "(1,)"), "\xff\xfe", "i32[1]", 65534, 65534),
  NPY(DICT("<i4", "()"), "\5\0\0\0", "i32[]", 5, 5),
  NPY(DICT("<u4", "(1,)"), "\xff\xff\xff\xff", "i64[1]", 4294967295.0, 4294967295.0),
  NPY(DICT("<i8", "(1,)"), "\xff\xff\xff\xff\xff\xff\xff\xff", "i64[1]", -1, -1),
  NPY(DICT(">u8", "(0, 3)"), "", "i64[0,3]", 0, 0),
  NPY("{\"shape\": (1L,), \"descr\": \"=f4\",\"fortran_order\":True}", "\0\0\0\x40", "f32[1]", 2, 2),
};

static double element(const NcArray *x, int64_t i) {
  switch (x->type.dtype) {
    case NC_F32: return ((float *)x->data)[i];
    case NC_I32: return ((int32_t *)x->data)[i];
    case NC_I64: return (double)((int64_t *)x->data)[i];
    default: return ((unsigned char *)x->data)[i];
  }
}

START_TEST(test_npy) {
  for (int major = 1; major <= 3; major++) {
    NcArray x;
    NcBytes b = npy(major, npys[_i].dict, npys[_i].data, npys[_i].n);
    ck_assert_msg(nc_npy_parse(arena, diag, &b, &x), "%s", message());
    ck_assert_str_eq(nc_type_str(arena, x.type), npys[_i].type);
    if (!nc_count(x.type.shape)) continue;
    ck_assert_double_eq(element(&x, 0), npys[_i].first);
    ck_assert_double_eq(element(&x, nc_count(x.type.shape) - 1), npys[_i].last);
  }
}
END_TEST

static const struct { const char *dict; const char *error;
} bad_npy[] = {
  {"", "damaged header"},
  {"{}", "damaged header"},
  {DICT("<f4", "(2,)") "x", "damaged header"},
  {DICT("<f4", "(2"), "damaged header"},
  {DICT("<f4", "(-2,)"), "damaged header"},
  {DICT("<f4", "(99999999999999999999,)"), "damaged header"},
  {DICT("<f4", "(4294967296, 4294967296)"), "no file can hold"},
  {DICT("<f4", "(3,)"), "has 8 bytes of elements, but its header says f4[3], which is 12"},
  {DICT("<f4", "(1,1,1,1,1,1,1,1,2)"), "more than 8 axes"},
  {DICT("<c8", "(1,)"), "type '<c8'"},
  {DICT("<U8", "(1,)"), "type '<U8'"},
  {DICT("|O", "(1,)"), "type '|O'"},
  {DICT("", "(1,)"), "type ''"},
  {"{'descr': [('a', '<f4')], }", "records"},
  {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }", "Fortran order"},
  {"{'descr': '<f4', 'descr': '<f4', }", "damaged header"},
};

START_TEST(test_npy_bad) {
  NcArray x;
  NcBytes b = npy(1, bad_npy[_i].dict, "abcdefgh", 8);
  ck_assert(!nc_npy_parse(arena, diag, &b, &x));
  ck_assert_int_eq(diag->errors, 1);
  expect_error(NC_E0402, bad_npy[_i].error);
}
END_TEST

START_TEST(test_npy_preamble) {
  NcArray x;
  NcBytes b = BYTES("\x93NUMPX\1\0\2\0{}");
  ck_assert(!nc_npy_parse(arena, diag, &b, &x));
  expect_error(NC_E0402, "is no NPY file");
  b = npy(4, "{}", "", 0);
  ck_assert(!nc_npy_parse(arena, diag, &b, &x));
  expect_error(NC_E0402, "version 4.0");
  b = BYTES("\x93NUMPY\2\0\xff\xff\xff\xff{}");
  ck_assert(!nc_npy_parse(arena, diag, &b, &x));
  expect_error(NC_E0402, "ends within its header: it has 14 bytes");
}
END_TEST

START_TEST(test_npy_write) {
  float v[6] = {1, -2, 3.5f, 1e-30f, INFINITY, 0};
  static const NcType types[] = {
    {NC_F32, {2, {2, 3}}}, {NC_I32, {1, {6}}}, {NC_F32, {0, {0}}}, {NC_I64, {1, {3}}}, {NC_U8, {2, {4, 6}}}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    const char *path = temp_path("w.npy");
    ck_assert_msg(nc_npy_write(diag, path, types[i], v), "%s", message());
    NcArray x;
    ck_assert_msg(nc_npy_read(arena, diag, NC_NOWHERE, path, &x), "%s", message());
    ck_assert(nc_type_eq(x.type, types[i]));
    ck_assert_mem_eq(x.data, v, nc_type_bytes(types[i]));
    size_t n;
    char *whole = nc_read_file(arena, diag, NC_E0601, NC_NOWHERE, path, &n);
    ck_assert_uint_eq((n - nc_type_bytes(types[i])) % 64, 0);
    ck_assert_int_eq(whole[n - nc_type_bytes(types[i]) - 1], '\n');
    ck_assert(nc_npy_header(arena, diag, NC_NOWHERE, path, &x) && nc_type_eq(x.type, types[i]) && !x.data);
  }
  uint16_t brain = 0xc020;                             // -2.5
  NcArray x;
  ck_assert(nc_npy_write(diag, temp_path("b.npy"), (NcType){NC_BF16, {1, {1}}}, &brain));
  ck_assert(nc_npy_read(arena, diag, NC_NOWHERE, temp_path("b.npy"), &x));
  ck_assert_float_eq(*(float *)x.data, -2.5f);
}
END_TEST

// ---- damaged files of all formats: a reader accepts without errors or refuses with one, and never reads beyond ----
typedef bool Parse(const NcBytes *b);
static bool parse_idx(const NcBytes *b) { NcArray x; return nc_idx_parse(arena, diag, b, &x); }
static bool parse_npy(const NcBytes *b) { NcArray x; return nc_npy_parse(arena, diag, b, &x); }
static bool parse_csv(const NcBytes *b) {
  NcCsv t;
  if (!nc_csv_parse(arena, diag, b, ',', true, &t)) return false;
  double v;
  for (int64_t i = 0; i < t.rows * t.columns; i++)     // every cell must be readable to its end
    if (!nc_csv_missing(t.cell[i])) nc_csv_number(t.cell[i], &v);
  return true;
}
static bool parse_tensors(const NcBytes *b) {
  NcTensors t;
  if (!nc_safetensors_parse(arena, diag, b, &t)) return false;
  unsigned sum = 0;
  for (int i = 0; i < t.n; i++)
    for (size_t k = 0; k < nc_type_bytes(t.tensor[i].type); k++) sum += ((const unsigned char *)t.tensor[i].data)[k];
  return sum < 1u << 31;
}
static bool parse_gzip(const NcBytes *b) {
  NcBytes out;
  return nc_bytes_read(arena, diag, NC_NOWHERE, temp_write("fuzz", b->data, b->n), 0, &out);
}

static uint32_t next(uint32_t *s) { return *s = *s * 1664525 + 1013904223, *s >> 8; }

static size_t damage(unsigned char *p, size_t n, size_t cap, uint32_t *s) {
  static const unsigned char telling[] = {0,   1,   0x7f, 0x80, 0xff, '"',  ',', '\n', '{',
                                          '}', '[', ']',  '9',  '-',  '\'', '(', ')'};
  for (int k = (int)(next(s) % 4); k >= 0; k--) {
    size_t at = n ? next(s) % n : 0, m;
    switch (next(s) % 5) {
      case 0: if (n) p[at] ^= (unsigned char)(1 << next(s) % 8); break;
      case 1: if (n) p[at] = telling[next(s) % sizeof telling]; break;
      case 2: n = at; break;
      case 3:
        m = 1 + next(s) % 4;
        if (n + m > cap) break;
        memmove(p + at + m, p + at, n - at);
        n += m;
        break;
      default:
        m = next(s) % 5;
        if (at + m > n) break;
        memmove(p + at, p + at + m, n - at - m);
        n -= m;
    }
  }
  return n;
}

static void fuzz(const NcBytes *whole, Parse *parse, int rounds, uint32_t seed) {
  static unsigned char p[4096];
  ck_assert(whole->n < 3000);
  unsigned char model[3000];
  size_t size = whole->n;
  memcpy(model, whole->data, size);
  int taken = 0;
  for (int i = 0; i < rounds; i++) {
    nc_arena_free(arena);
    arena = nc_arena_new();
    diag = nc_diag_new(arena);
    memcpy(p, model, size);
    size_t n = i ? damage(p, size, sizeof p, &seed) : size;
    unsigned char *exact = malloc(n + 1);              // as a reader gets it: with a NUL behind
    memcpy(exact, p, n);
    exact[n] = 0;
    NcBytes b = {.path = "file", .data = exact, .n = n, .size = n};
    bool good = parse(&b);
    ck_assert_int_eq(good, diag->errors == 0);
    taken += good;
    free(exact);
  }
  ck_assert_int_gt(taken, 0);
  ck_assert_int_lt(taken, rounds);
}

START_TEST(test_damaged) {
  unsigned char packed[1000];
  const char *text = "name,\"x, y\",z\n1,\"a\n\"\"b\"\"\",3e5\n-2.5,NA,\r\n7,?,inf\n";
  NcBytes b;
  uint32_t seed = 12345 + (uint32_t)_i;
  switch (_i % 6) {
    case 0: b = BYTES("\0\0\x0b\x02\0\0\0\2\0\0\0\3abcdefghijkl"); fuzz(&b, parse_idx, 6000, seed); break;
    case 1: b = npy(1, DICT("<f4", "(2, 3)"), "abcdefghijklmnopqrstuvwx", 24); fuzz(&b, parse_npy, 10000, seed); break;
    case 2:
      b = npy(2, DICT(">i2", "(2, 3, 2)"), "abcdefghijklmnopqrstuvwx", 24);
      fuzz(&b, parse_npy, 10000, seed);
      break;
    case 3: b = bytes(text, strlen(text)); fuzz(&b, parse_csv, 10000, seed); break;
    case 4:
      b = tensors(
        "{\"__metadata__\":{\"k\":\"v\"},\"a\":" TENSOR("F32", "[2,2]", 0, 16) ",\"b\":" TENSOR("U8", "[3]", 16, 19) "}", 19);
      fuzz(&b, parse_tensors, 10000, seed);
      break;
    default:
      b = bytes(packed, pack(text, strlen(text), packed, sizeof packed));
      fuzz(&b, parse_gzip, 1500, seed);
      break;
  }
}
END_TEST

typedef struct { Parse *parse; const NcBytes *whole; } Reading;
static void reading(const void *ctx) {
  const Reading *r = ctx;
  ck_assert(r->parse(r->whole));
}

START_TEST(test_memory) {
  unsigned char packed[1000];
  NcBytes whole[] = {
    tensors("{\"__metadata__\":{\"k\":\"v\"},\"a\":" TENSOR("F32", "[2,2]", 0, 16) ",\"b\":" TENSOR("F64", "[1]", 16, 24) "}",
            24),
    npy(1, DICT("<f4", "(2, 3)"), "abcdefghijklmnopqrstuvwx", 24), BYTES("\0\0\x0b\1\0\0\0\1ab"),
    BYTES("a,b\n1,\"2\"\n"), bytes(packed, pack("a text", 6, packed, sizeof packed))};
  static Parse *const parse[] = {parse_tensors, parse_npy, parse_idx, parse_csv, parse_gzip};
  NcArena *outer = arena;                              // holds the files
  for (int k = 0; k < 5; k++) {
    arena = nc_arena_new();
    ck_assert_int_gt(suite_without_memory(reading, &(Reading){parse[k], &whole[k]}), 0);
    nc_arena_free(arena);
  }
  arena = outer;
}
END_TEST

int main(void) {
  Suite *s = suite_create("io");
  TCase *c = suite_case(s, "io", temp_open, temp_close);
  tcase_add_test(c, test_gzip);
  tcase_add_test(c, test_absent);
  tcase_add_test(c, test_size_of);
  tcase_add_test(c, test_idx_types);
  tcase_add_loop_test(c, test_idx_bad, 0, sizeof bad_idx / sizeof *bad_idx);
  tcase_add_test(c, test_idx_header);
  tcase_add_loop_test(c, test_npy, 0, sizeof npys / sizeof *npys);
  tcase_add_loop_test(c, test_npy_bad, 0, sizeof bad_npy / sizeof *bad_npy);
  tcase_add_test(c, test_npy_preamble);
  tcase_add_test(c, test_npy_write);
  tcase_add_loop_test(c, test_damaged, 0, 12);
  tcase_add_test(c, test_memory);
  return suite_run(s, CK_FORK_GETENV);
}
