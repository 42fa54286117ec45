// Tensors by name: what is read, what is refused and in which words.
#include <math.h>
#include "io/safetensors.h"
#include "readers.h"

START_TEST(test_safetensors) {
  float w[6] = {1, 2, 3, 4, 5, 6};
  unsigned char u[3] = {7, 8, 9};
  int64_t big[1] = {INT64_MIN};
  NcTensor t[] = {{"net.w", {NC_F32, {2, {2, 3}}}, w}, {"u \"quoted\" \xc3\xa4", {NC_U8, {1, {3}}}, u},
                  {"s", {NC_I64, {0, {0}}}, big}, {"empty", {NC_F32, {2, {0, 5}}}, w}};
  NcMeta m[] = {{"z", "last\nline"}, {"a", "{\"x\":1}"}};
  NcTensors back;
  for (int metas = 0; metas <= 2; metas++) {
    const char *path = temp_path(metas == 1 ? "1" : "2");
    ck_assert_msg(nc_safetensors_write(arena, diag, path, t, 4, m, metas), "%s", message());
    ck_assert_msg(nc_safetensors_read(arena, diag, NC_NOWHERE, path, &back), "%s", message());
    ck_assert_int_eq(back.n, 4);
    ck_assert_int_eq(back.metas, metas);
    for (int i = 0; i < 4; i++) {
      ck_assert_str_eq(back.tensor[i].name, t[i].name);
      ck_assert(nc_type_eq(back.tensor[i].type, t[i].type));
      ck_assert_mem_eq(back.tensor[i].data, t[i].data, nc_type_bytes(t[i].type));
      ck_assert_uint_eq((uintptr_t)back.tensor[i].data % 8, 0);
    }
  }
  ck_assert_str_eq(nc_meta_find(&back, "z"), "last\nline");
  ck_assert_str_eq(nc_meta_find(&back, "a"), "{\"x\":1}");
  ck_assert_ptr_null(nc_meta_find(&back, "b"));
  ck_assert_ptr_eq(nc_tensor_find(&back, "s"), &back.tensor[2]);
  ck_assert_ptr_null(nc_tensor_find(&back, "S"));
  size_t n, n2;
  char *first = nc_read_file(arena, diag, NC_E0601, NC_NOWHERE, temp_path("2"), &n);
  ck_assert_int_eq(*(uint64_t *)(void *)first % 8, 0);
  ck_assert(nc_safetensors_write(arena, diag, temp_path("3"), t, 4, m, 2));
  char *again = nc_read_file(arena, diag, NC_E0601, NC_NOWHERE, temp_path("3"), &n2);
  ck_assert_uint_eq(n, n2);
  ck_assert_mem_eq(first, again, n);
  t[3].name = "s";
  ck_assert(!nc_safetensors_write(arena, diag, temp_path("4"), t, 4, NULL, 0));
  expect_error(NC_E0602, "two of its tensors are named `s`");
  ck_assert_int_ne(access(temp_path("4"), F_OK), 0);
}
END_TEST

static const struct { const char *json; size_t data; const char *error;
} bad_st[] = {
  {"{\"a\":" TENSOR("F32", "[2]", 0, 8) "}", 7, "lies at bytes 0 to 8, but there are only 7"},
  {"{\"a\":" TENSOR("F32", "[2]", 0, 8) "}", 9, "has 1 bytes that belong to no tensor"},
  {"{\"a\":" TENSOR("F32", "[3]", 0, 8) "}", 8, "has 8 bytes, which its shape and type do not need"},
  {"{\"a\":" TENSOR("F32", "[2]", 8, 0) "}", 8, "lies at bytes 8 to 0"},
  {"{\"a\":" TENSOR("F32", "[2]", -8, 0) "}", 8, "lies at bytes -8"},
  {"{\"a\":" TENSOR("Q4", "[2]", 0, 8) "}", 8, "type `Q4`"},
  {"{\"a\":" TENSOR("F32", "[-2]", 0, 8) "}", 8, "a size that is no number from 0 on"},
  {"{\"a\":" TENSOR("F32", "[2.0]", 0, 8) "}", 8, "a size that is no number"},
  {"{\"a\":" TENSOR("F32", "2", 0, 8) "}", 8, "no list `shape`"},
  {"{\"a\":" TENSOR("F32", "[1,1,1,1,1,1,1,1,2]", 0, 8) "}", 8, "more than 8 axes"},
  {"{\"a\":" TENSOR("F32", "[4294967296,4294967296,4294967296]", 0, 8) "}", 8, "do not need"},
  {"{\"a\":" TENSOR("U8", "[4]", 0, 4) ",\"b\":" TENSOR("U8", "[4]", 2, 6) "}", 6, "`b` overlaps another one"},
  {"{\"a\":" TENSOR("U8", "[2]", 0, 2) ",\"b\":" TENSOR("U8", "[2]", 4, 6) "}", 6, "`b` has unused bytes before it"},
  {"{\"a\":" TENSOR("U8", "[2]", 0, 2) ",\"a\":" TENSOR("U8", "[2]", 2, 4) "}", 4, "damaged header"},
  {"{\"a\":3}", 0, "has no `dtype`"},
  {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "no pair `data_offsets`"},
  {"[]", 0, "is no safetensors file"},
  {"{\"a\"", 0, "damaged header"},
  {"{\"__metadata__\":3}", 0, "`__metadata__` is no object"},
  {"{\"__metadata__\":{\"k\":3}}", 0, "`k` in `__metadata__` is no text"},
};

START_TEST(test_safetensors_bad) {
  NcTensors t;
  NcBytes b = tensors(bad_st[_i].json, bad_st[_i].data);
  ck_assert(!nc_safetensors_parse(arena, diag, &b, &t));
  ck_assert_int_eq(diag->errors, 1);
  expect_error(NC_E0402, bad_st[_i].error);
}
END_TEST

START_TEST(test_safetensors_length) {
  NcTensors t;
  NcBytes b = BYTES("\xff\xff\xff\xff\xff\xff\xff\xff{}");
  ck_assert(!nc_safetensors_parse(arena, diag, &b, &t));
  expect_error(NC_E0402, "is not whole");
  b = BYTES("\2\0\0");
  ck_assert(!nc_safetensors_parse(arena, diag, &b, &t));
  b = BYTES("\2\0\0\0\0\0\0\0{}");
  ck_assert(nc_safetensors_parse(arena, diag, &b, &t));
  ck_assert_int_eq(t.n, 0);
  double v = -2.5;
  NcBuf whole = NC_BUF(arena);
  const char *json = "{\"d\":" TENSOR("F64", "[1]", 0, 8) "}";
  nc_putc(&whole, (char)strlen(json));
  nc_putn(&whole, "\0\0\0\0\0\0\0", 7);
  nc_put(&whole, json);
  nc_putn(&whole, (const char *)&v, 8);
  b = bytes(whole.at, whole.n);
  ck_assert(nc_safetensors_parse(arena, diag, &b, &t));
  ck_assert_float_eq(*(const float *)t.tensor[0].data, -2.5f);
}
END_TEST

int main(void) {
  Suite *s = suite_create("safetensors");
  TCase *c = suite_case(s, "safetensors", temp_open, temp_close);
  tcase_add_test(c, test_safetensors);
  tcase_add_loop_test(c, test_safetensors_bad, 0, sizeof bad_st / sizeof *bad_st);
  tcase_add_test(c, test_safetensors_length);
  return suite_run(s, CK_FORK_GETENV);
}
