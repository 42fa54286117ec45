// The networks of examples/ against PyTorch, but those of check_vision; and that none is missing in either.
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include "golden.h"
#include "network_suite.h"

static const char *const tables[] = {"first", "generative", "points", "sequence", "zoo", NULL};

static bool stands(NcArena *a, const char *table, const char *name) {
  return golden_read(a, in_source(a, nc_sprintf(a, "tests/golden/networks/%s/%s.safetensors", table, name)), NULL) != NULL;
}

static bool compared(NcArena *a, const char *name) {
  bool found = stands(a, "vision", name);
  for (const char *const *t = tables; *t && !found; t++) found = stands(a, *t, name);
  return found;
}

static int look_through(NcArena *a, const char *folder) {
  int n = 0;
  DIR *dir = opendir(in_source(a, folder));
  ck_assert_msg(dir != NULL, "%s cannot be read", folder);
  for (struct dirent *f; (f = readdir(dir));) {
    const char *dot = strrchr(f->d_name, '.');
    if (!dot || strcmp(dot, ".nn") != 0) continue;
    n++;
    ck_assert_msg(compared(a, nc_sprintf(a, "%.*s", (int)(dot - f->d_name), f->d_name)),
                  "%s/%s is not compared with PyTorch: a row in tests/golden/networks_*.py is missing", folder, f->d_name);
  }
  closedir(dir);
  return n;
}

START_TEST(every_example_is_compared) {
  NcArena *a = nc_arena_new();
  ck_assert_int_ge(look_through(a, "examples"), 32);
  ck_assert_int_ge(look_through(a, "examples/zoo"), 16);
  nc_arena_free(a);
}
END_TEST

static void more(TCase *t) { tcase_add_test(t, every_example_is_compared); }

int main(void) { return network_suite("networks", tables, more); }
