// Check sums, and event files as TensorBoard reads them.
#include <stdint.h>
#include "base/sha256.h"
#include "io/events.h"
#include "readers.h"

START_TEST(test_sums) {
  static const struct { const char *text, *sum; } cases[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
  };
  char sum[NC_SHA256_TEXT];
  for (int i = 0; i < 3; i++) {
    NcSha256 s;
    nc_sha256_begin(&s);
    nc_sha256_add(&s, cases[i].text, strlen(cases[i].text));
    nc_sha256_end(&s, sum);
    ck_assert_str_eq(sum, cases[i].sum);
  }
  // However it is cut into pieces, and from a file, it is the same.
  unsigned char text[1000];
  for (int i = 0; i < 1000; i++) text[i] = (unsigned char)(i * 7 >> 1);
  for (size_t n = 0; n < 200; n++) {
    char whole[NC_SHA256_TEXT];
    NcSha256 s;
    int64_t size;
    nc_sha256_begin(&s);
    for (size_t at = 0, piece = 1; at < n; at += piece++) nc_sha256_add(&s, text + at, piece < n - at ? piece : n - at);
    nc_sha256_end(&s, sum);
    ck_assert(nc_sha256_file(temp_write("sum", text, n), whole, &size));
    ck_assert_int_eq(size, (int64_t)n);
    ck_assert_str_eq(sum, whole);
  }
  ck_assert(!nc_sha256_file(temp_path("none"), sum, NULL));
  ck_assert_uint_eq(nc_crc32c("123456789", 9), 0xe3069283);
}
END_TEST

static size_t length_of(const char *path) {
  size_t n;
  ck_assert_ptr_nonnull(nc_read_file(arena, diag, NC_E0601, NC_NOWHERE, path, &n));
  return n;
}

// What was torn, and what comes after the step that is gone on from, is cut; the records before stay as they are.
START_TEST(test_events) {
  const char *path = temp_path("events.out.tfevents.x");
  size_t end[6], n;
  ck_assert(nc_events_begin(arena, diag, path, 1.5, 0));
  end[0] = length_of(path);
  for (int i = 1; i <= 5; i++) {
    ck_assert(nc_events_put(arena, diag, path, 2.5 + i, 100 * i, 2, (NcEventValue[]){{"train/loss", 1.0 / i}, {"valid/loss", NAN}}));
    end[i] = length_of(path);
  }
  char *all = nc_read_file(arena, diag, NC_E0601, NC_NOWHERE, path, &n);
  for (size_t cut = 0; cut <= n; cut++) {
    temp_write("events.out.tfevents.x", all, cut);
    ck_assert(nc_events_begin(arena, diag, path, 1.5, 350));
    size_t want = end[0];
    for (int i = 0; i <= 3; i++) want = cut >= end[i] ? end[i] : want;
    ck_assert_uint_eq(length_of(path), want);
    if (cut >= end[0]) ck_assert_int_eq(memcmp(nc_read_file(arena, diag, NC_E0601, NC_NOWHERE, path, &n), all, want), 0);
  }
  for (size_t at = 0; at < end[5]; at++) {            // a byte that is wrong ends what is kept
    all[at] ^= 1;
    temp_write("events.out.tfevents.x", all, end[5]);
    all[at] ^= 1;
    ck_assert(nc_events_begin(arena, diag, path, 1.5, 1000));
    size_t want = end[0];
    for (int i = 0; i <= 5; i++) want = at >= end[i] ? end[i] : want;
    ck_assert_uint_eq(length_of(path), want);
  }
  ck_assert(!nc_events_put(arena, diag, temp_path("no/file"), 0, 0, 0, NULL));
  expect_error(NC_E0602, "cannot write");
}
END_TEST

int main(void) {
  Suite *s = suite_create("events");
  TCase *c = suite_case(s, "events", temp_open, temp_close);
  tcase_add_test(c, test_sums);
  tcase_add_test(c, test_events);
  return suite_run(s, CK_FORK_GETENV);
}
