// Files with words exchanged, dropped, doubled and numbers made extreme: elaboration must give a program or errors,
// never crash. NACRE_MUTATIONS=100000 tries that many instead of a few; run it with --enable-sanitize.
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "elab_run.h"
#include "golden.h"
#include "suite.h"

typedef struct { const char *at; size_t n; } Word;
typedef NC_VEC(Word) Words;

static uint32_t state;
static uint32_t roll(uint32_t n) {
  state = state * 1664525u + 1013904223u;
  return (state >> 8) % n;
}

static Words words_of(NcArena *a, const char *s) {
  Words v = {0};
  while (*s) {
    const char *begin = s++;
    if (isalnum((unsigned char)*begin) || *begin == '_')
      while (isalnum((unsigned char)*s) || *s == '_' || *s == '.') s++;
    else if (*begin == ' ')
      while (*s == ' ') s++;
    *NC_PUSH(a, v) = (Word){begin, (size_t)(s - begin)};
  }
  return v;
}

static Words corpus(NcArena *a) {
  static const char *const folders[] = {"examples", "tests/elab", "tests/front"};
  Words files = {0};
  for (size_t k = 0; k < sizeof folders / sizeof *folders; k++) {
    DIR *dir = opendir(in_source(a, folders[k]));
    ck_assert(dir != NULL);
    for (struct dirent *f; (f = readdir(dir));) {
      const char *dot = strrchr(f->d_name, '.');
      size_t n;
      if (!dot || strcmp(dot, ".nn") != 0) continue;
      const char *text = golden_read(a, in_source(a, nc_sprintf(a, "%s/%s", folders[k], f->d_name)), &n);
      if (text && n < 8000) *NC_PUSH(a, files) = (Word){text, n};
    }
    closedir(dir);
  }
  return files;
}

static const Word extreme[] = {{"0", 1},     {"1", 1},      {"-1", 2}, {"9223372036854775807", 19},
                               {"1e308", 5}, {"100000", 6}, {"B", 1},  {"inf", 3},
                               {"[]", 2},    {"()", 2}};

static const char *mutated(NcArena *a, const Words *files) {
  Words w = words_of(a, files->at[roll((uint32_t)files->n)].at),
        other = words_of(a, files->at[roll((uint32_t)files->n)].at);
  for (uint32_t k = 1 + roll(4); k > 0 && w.n > 8 && other.n > 0; k--) {
    Word *x = &w.at[5 + roll((uint32_t)w.n - 5)];   // behind `nn 1`
    switch (roll(5)) {
      case 0: *x = (Word){"", 0}; break;
      case 1: *x = w.at[roll((uint32_t)w.n)]; break;
      case 2: *x = other.at[roll((uint32_t)other.n)]; break;
      case 3: *x = extreme[roll(sizeof extreme / sizeof *extreme)]; break;
      default:   // a number somewhere ahead becomes an extreme one
        while (x < w.at + w.n && !isdigit((unsigned char)*x->at)) x++;
        if (x < w.at + w.n) *x = extreme[roll(6)];
    }
  }
  NcBuf b = NC_BUF(a);
  for (int i = 0; i < w.n; i++) nc_putn(&b, w.at[i].at, w.at[i].n);
  return nc_buf_str(&b);
}

START_TEST(mutated_files_do_not_crash) {
  const char *many = getenv("NACRE_MUTATIONS"), *seed = getenv("NACRE_MUTATION_SEED");
  long n = many ? atol(many) : 400;
  state = seed ? (uint32_t)atol(seed) : 1;
  NcArena *keep = nc_arena_new();
  Words files = corpus(keep);
  for (volatile long i = 0; i < n; i++) {
    NcArena *a = nc_arena_new();
    if (NC_ON_OOM(a)) {
      nc_arena_free(a);
      continue;
    }
    const char *text = mutated(a, &files);
    if (many) nc_write_file(nc_diag_new(a), "mutation.nn", text, strlen(text));   // what crashed is there to be seen
    NcDiag *d = nc_diag_new(a);
    NcProgramOptions o = {.name = "mutation.nn", .text = text, .size = strlen(text),
                          .hooks = {.describe = describe_some}};
    clock_t start = clock();
    const NcProgram *p = nc_program(a, d, &o);
    ck_assert_msg(p || d->errors > 0, "neither a program nor an error:\n%s", text);
    ck_assert_msg(!p || d->errors == 0, "a program and errors:\n%s", text);
    ck_assert_msg(clock() - start < 20 * CLOCKS_PER_SEC, "too slow:\n%s", text);
    NcBuf b = NC_BUF(a);
    nc_diag_render(d, &b, false);
    nc_arena_free(a);
  }
  nc_arena_free(keep);
}
END_TEST

int main(void) {
  Suite *s = suite_create("mutations");
  TCase *t = suite_case(s, "mutations", NULL, NULL);
  tcase_set_timeout(t, 0);
  tcase_add_test(t, mutated_files_do_not_crash);
  return suite_run(s, CK_FORK_GETENV);
}
