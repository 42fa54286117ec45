// NPZ archives and CIFAR's files: what is read, what is refused, and that no damage makes the readers crash.
#include <sys/stat.h>
#include <zlib.h>
#include "io/npy.h"
#include "io/npz.h"
#include "sources.h"

// ---- a zip archive in memory, as numpy writes one
typedef struct { unsigned char at[20000]; size_t n; } Zip;
typedef struct { const char *name; const void *bytes; size_t n; bool deflated, wide; int flags; } Member;

static void put(Zip *z, uint64_t v, int bytes) {
  for (int i = 0; i < bytes; i++) z->at[z->n++] = (unsigned char)(v >> 8 * i);
}
static void put_bytes(Zip *z, const void *p, size_t n) {
  memcpy(z->at + z->n, p, n);
  z->n += n;
}

static size_t packed(const Member *m, unsigned char *out, size_t cap) {
  if (!m->deflated) return memcpy(out, m->bytes, m->n), m->n;
  z_stream s = {0};
  ck_assert_int_eq(deflateInit2(&s, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  s.next_in = (unsigned char *)(uintptr_t)m->bytes;
  s.avail_in = (uInt)m->n;
  s.next_out = out;
  s.avail_out = (uInt)cap;
  ck_assert_int_eq(deflate(&s, Z_FINISH), Z_STREAM_END);
  deflateEnd(&s);
  return cap - s.avail_out;
}

static Zip *zip_of(const Member *m, int n, const char *comment) {
  Zip *z = NC_NEW(arena, Zip);
  Zip *dir = NC_NEW(arena, Zip);
  for (int i = 0; i < n; i++) {
    unsigned char data[4096];
    size_t bytes = packed(&m[i], data, sizeof data), name = strlen(m[i].name), begin = z->n;
    uint64_t sum = crc32_z(0, m[i].bytes, m[i].n);
    put(z, 0x04034b50, 4), put(z, 45, 2), put(z, (uint64_t)m[i].flags, 2), put(z, m[i].deflated ? 8 : 0, 2), put(z, 0, 4);
    put(z, sum, 4), put(z, bytes, 4), put(z, m[i].n, 4), put(z, name, 2), put(z, 0, 2);
    put_bytes(z, m[i].name, name), put_bytes(z, data, bytes);
    put(dir, 0x02014b50, 4), put(dir, 45, 2), put(dir, 45, 2), put(dir, (uint64_t)m[i].flags, 2), put(dir, m[i].deflated ? 8 : 0, 2);
    put(dir, 0, 4), put(dir, sum, 4), put(dir, m[i].wide ? 0xffffffff : bytes, 4), put(dir, m[i].wide ? 0xffffffff : m[i].n, 4);
    put(dir, name, 2), put(dir, m[i].wide ? 28 : 0, 2), put(dir, 0, 2), put(dir, 0, 2), put(dir, 0, 2), put(dir, 0, 4);
    put(dir, m[i].wide ? 0xffffffff : begin, 4), put_bytes(dir, m[i].name, name);
    if (m[i].wide) put(dir, 1, 2), put(dir, 24, 2), put(dir, m[i].n, 8), put(dir, bytes, 8), put(dir, begin, 8);
  }
  size_t begin = z->n;
  put_bytes(z, dir->at, dir->n);
  put(z, 0x06054b50, 4), put(z, 0, 4), put(z, (uint64_t)n, 2), put(z, (uint64_t)n, 2), put(z, dir->n, 4), put(z, begin, 4);
  put(z, strlen(comment), 2), put_bytes(z, comment, strlen(comment));
  return z;
}

static Member npy_of(const char *name, NcType t, const void *data, bool deflated, bool wide) {
  NcBytes b;
  ck_assert(nc_npy_write(diag, temp_path("member"), t, data));
  ck_assert(nc_bytes_read(arena, diag, NC_NOWHERE, temp_path("member"), 0, &b));
  return (Member){name, b.data, b.n, deflated, wide, 0};
}

static const float xs[6] = {1, 2, 3, 4, 5, 6};
static const int64_t ys[3] = {2, 0, 1};

static void members(Member *m, bool deflated) {
  m[0] = npy_of("x_train.npy", (NcType){NC_F32, NC_SHAPE(3, 2)}, xs, deflated, false);
  m[1] = npy_of("y_train.npy", (NcType){NC_I64, NC_SHAPE(3)}, ys, deflated, true);
  m[2] = npy_of("x_test.npy", (NcType){NC_F32, NC_SHAPE(2, 2)}, xs, !deflated, false);
  m[3] = (Member){"notes.txt", "words", 5, false, false, 0};
}

START_TEST(test_npz) {
  Member m[4];
  members(m, _i & 1);
  Zip *z = zip_of(m, 4, _i & 2 ? "a comment" : "");
  const char *path = file_of(z->at, z->n);
  NcDataset *set = open_good(SPEC("npz", STR(NULL, path), STR("x", "x_train"), STR("label", "y_train")));
  ck_assert_int_eq(set->n, 3);
  ck_assert_mem_eq(set->data[0], xs, sizeof xs);
  ck_assert_mem_eq(set->data[1], ((int32_t[]){2, 0, 1}), 12);
  ck_assert_int_eq(set->field[1].classes, 3);
  z = zip_of(m, 2, "");
  set = open_good(SPEC("npz", STR(NULL, file_of(z->at, z->n))));          // all arrays, by their own names
  ck_assert_int_eq(set->fields, 2);
  ck_assert_str_eq(set->field[0].name, "x_train");
  ck_assert_str_eq(set->field[1].name, "y_train");
}
END_TEST

static void refused(NcSourceSpec spec, NcCode code, const char *part) {
  NcFields f;
  ck_assert_ptr_null(nc_source_open(arena, diag, &spec));
  expect_error(code, part);
  ck_assert(!nc_source_describe(arena, diag, &spec, &f));
  expect_error(code, part);
}

// As NumPy itself wrote them.
START_TEST(test_npz_numpy) {
  static const char *const name[] = {"stored", "deflated"};
  const char *here = getenv("srcdir");
  NcDataset *s = open_good(SPEC("npz", STR(NULL, nc_sprintf(arena, "%s/tests/fuzz/%s.npz", here ? here : ".", name[_i]))));
  int64_t n = _i ? 30 : 3;
  ck_assert_int_eq(s->n, n);
  for (int64_t i = 0; i < 2 * n; i++) ck_assert_float_eq(((float *)s->data[0])[i], (float)i);
  for (int64_t i = 0; i < n; i++) ck_assert_int_eq(((int32_t *)s->data[1])[i], i % 3);
}
END_TEST

START_TEST(test_npz_refused) {
  Member m[4];
  members(m, true);
  Zip *z = zip_of(m, 4, "");
  refused(SPEC("npz", STR(NULL, file_of(z->at, z->n)), STR("x", "x_trian")), NC_E0407, "did you mean `x_train`?");
  refused(SPEC("npz", STR(NULL, file_of(z->at, z->n))), NC_E0405, "name the arrays that belong together");
  refused(SPEC("npz", STR(NULL, file_of(z->at, z->n - 30))), NC_E0402, "has no directory at its end");
  refused(SPEC("npz", STR(NULL, file("x,y\n1,2\n"))), NC_E0402, "is no NPZ file");
  m[0].flags = 1;
  z = zip_of(m, 1, "");
  refused(SPEC("npz", STR(NULL, file_of(z->at, z->n))), NC_E0402, "is encrypted");
  m[0].flags = 0;
  m[1] = m[0];
  z = zip_of(m, 2, "");
  refused(SPEC("npz", STR(NULL, file_of(z->at, z->n))), NC_E0402, "is there twice");
  z = zip_of(&m[3], 1, "");
  refused(SPEC("npz", STR(NULL, file_of(z->at, z->n))), NC_E0402, "has no array");
  z = zip_of(m, 1, "");
  for (size_t i = 0; i < z->n; i++)                                       // the directory's check sum, not the data's
    if (!memcmp(z->at + i, "PK\1\2", 4)) z->at[i + 16] ^= 1;
  NcSourceSpec spec = SPEC("npz", STR(NULL, file_of(z->at, z->n)));
  ck_assert_ptr_null(nc_source_open(arena, diag, &spec));
  expect_error(NC_E0402, "has the check sum");
}
END_TEST

// Whatever a byte is changed to, and wherever the file ends: an error or an array, nothing else.
START_TEST(test_npz_damaged) {
  Member m[4];
  members(m, true);
  Zip *z = zip_of(m, 4, "hm");
  for (size_t i = 0; i < 2 * z->n; i++) {
    NcArena *scratch = nc_arena_new();
    ck_assert(!NC_ON_OOM(scratch));
    NcDiag *d = nc_diag_new(scratch);
    unsigned char *copy = nc_alloc(scratch, z->n + 1);
    memcpy(copy, z->at, z->n);
    if (i < z->n) copy[i] ^= (unsigned char)(1u << i % 8 | 128);
    NcBytes b = {.path = "damaged", .data = copy, .n = i < z->n ? z->n : i - z->n};
    NcNpz npz;
    NcArray x;
    bool good = nc_npz_parse(scratch, d, &b, &npz);
    for (int k = 0; good && k < npz.n; k++)
      for (int head = 0; head < 2; head++) nc_npz_array(scratch, d, &npz, k, head, &x);
    ck_assert(good || d->errors);
    nc_arena_free(scratch);
  }
}
END_TEST

// ---- CIFAR
enum { IMAGE = 3072 };
static unsigned char records[4 * (IMAGE + 2)];

// `n` records: labels from `first` on, all points of an image the same.
static void cifar_file(const char *name, int n, int labels, int first) {
  unsigned char *p = records;
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < labels; k++) *p++ = (unsigned char)(labels == 2 && k == 0 ? (first + i) / 5 : first + i);
    memset(p, 10 * first + i, IMAGE);
    p += IMAGE;
  }
  temp_write(name, records, (size_t)(p - records));
}

START_TEST(test_cifar) {
  ck_assert_int_eq(mkdir(temp_path("ten"), 0777), 0);
  ck_assert_int_eq(mkdir(temp_path("hundred"), 0777), 0);
  cifar_file("ten/data_batch_1.bin", 3, 1, 0);
  cifar_file("ten/data_batch_2.bin", 2, 1, 3);
  cifar_file("ten/test_batch.bin", 1, 1, 9);
  const char *meta = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
  temp_write("ten/batches.meta.txt", meta, strlen(meta));
  NcDataset *s = open_good(SPEC("cifar", STR(NULL, temp_path("ten"))));
  ck_assert_int_eq(s->n, 6);
  ck_assert_mem_eq(s->data[1], ((int32_t[]){0, 1, 2, 3, 4, 9}), 24);
  ck_assert_int_eq(((unsigned char *)s->data[0])[3 * IMAGE], 30);
  ck_assert_str_eq(s->field[1].class_name[9], "truck");
  s = open_good(SPEC("cifar", STR(NULL, temp_path("ten")), STR("part", "test")));
  ck_assert_int_eq(s->n, 1);
  s = open_good(SPEC("cifar", STR(NULL, temp_path("ten/data_batch_2.bin"))));
  ck_assert_int_eq(s->n, 2);
  ck_assert_str_eq(s->field[1].class_name[3], "cat");
  cifar_file("hundred/train.bin", 3, 2, 37);
  s = open_good(SPEC("cifar", STR(NULL, temp_path("hundred"))));
  ck_assert_mem_eq(s->data[1], ((int32_t[]){37, 38, 39}), 12);
  ck_assert_int_eq(s->field[1].classes, 100);
  ck_assert_ptr_null(s->field[1].class_name);
  s = open_good(SPEC("cifar", STR(NULL, temp_path("hundred")), STR("labels", "coarse")));
  ck_assert_mem_eq(s->data[1], ((int32_t[]){7, 7, 7}), 12);
  ck_assert_int_eq(s->field[1].classes, 20);
  refused(SPEC("cifar", STR(NULL, temp_path("hundred")), STR("part", "test")), NC_E0401, "has no file of CIFAR for `test`");
  refused(SPEC("cifar", STR(NULL, temp_path("ten/test_batch.bin")), STR("part", "test")), NC_E0312, "`part = \"test\"` chooses nothing");
  refused(SPEC("cifar", STR(NULL, temp_path("ten")), STR("labels", "coarse")), NC_E0312, "is CIFAR-10, with one kind of labels");
  refused(SPEC("cifar", STR(NULL, temp_path("nowhere"))), NC_E0401, "cannot open");
  temp_write("ten/test_batch.bin", records, 3000);
  refused(SPEC("cifar", STR(NULL, temp_path("ten"))), NC_E0402, "has 3000 bytes, which is no number of records of 3073");
}
END_TEST

int main(void) {
  Suite *s = suite_create("archives");
  TCase *c = suite_case(s, "archives", temp_open, temp_close);
  tcase_add_loop_test(c, test_npz, 0, 4);
  tcase_add_loop_test(c, test_npz_numpy, 0, 2);
  tcase_add_test(c, test_npz_refused);
  tcase_add_test(c, test_npz_damaged);
  tcase_add_test(c, test_cifar);
  return suite_run(s, CK_FORK_GETENV);
}
