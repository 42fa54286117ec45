// Choices that were measured: finding, printing and reading them.
#include "plan/tuned.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

NcTuned *nc_tuned_new(NcArena *a, const char *key) {
  NcTuned *t = NC_NEW(a, NcTuned);
  t->arena = a;
  t->key = key;
  return t;
}

static bool same_sizes(const NcTuning *a, const char *kind, int sizes, const int64_t *size) {
  return a->sizes == sizes && strcmp(a->kind, kind) == 0 && memcmp(a->size, size, (size_t)sizes * sizeof *size) == 0;
}

const NcTuning *nc_tuned_exact(const NcTuned *t, const NcTuning *k) {
  for (int i = 0; t && i < t->known.n; i++)
    if (same_sizes(&t->known.at[i], k->kind, k->sizes, k->size)) return &t->known.at[i];
  return NULL;
}

void nc_tuned_set(NcTuned *t, const NcTuning *k) {
  NcTuning *old = (NcTuning *)nc_tuned_exact(t, k);
  if (!old) old = NC_PUSH(t->arena, t->known);
  *old = *k;
}

// Sizes of eight and more may be others, by a factor of two at most each and of four in all; small ones are of a kind.
static double distance(const NcTuning *k, const int64_t *size) {
  double sum = 0;
  for (int i = 0; i < k->sizes; i++) {
    if (k->size[i] == size[i]) continue;
    if (k->size[i] < 8 || size[i] < 8) return INFINITY;
    double d = fabs(log2((double)k->size[i] / (double)size[i]));
    if (d > 1) return INFINITY;
    sum += d;
  }
  return sum <= 2 ? sum : INFINITY;
}

bool nc_tuned_choice(const NcTarget *t, const char *kind, int sizes, const int64_t *size, int choices, int64_t *choice) {
  const NcTuning *best = NULL;
  double least = INFINITY;
  for (int i = 0; t->tuned && i < t->tuned->known.n; i++) {
    const NcTuning *k = &t->tuned->known.at[i];
    if (k->sizes != sizes || k->choices != choices || strcmp(k->kind, kind) != 0) continue;
    double d = distance(k, size);
    if (d < least) least = d, best = k;
  }
  if (best) memcpy(choice, best->choice, (size_t)choices * sizeof *choice);
  return best != NULL;
}

void nc_tuned_took(const NcTarget *t, const char *kind, int sizes, const int64_t *size, int choices, const int64_t *choice) {
  if (!t->tuned || !t->tuned->ask) return;
  for (int i = 0; i < t->tuned->asked.n; i++)
    if (same_sizes(&t->tuned->asked.at[i], kind, sizes, size)) return;
  NcTuning *k = NC_PUSH(t->tuned->arena, t->tuned->asked);
  *k = (NcTuning){.kind = kind, .sizes = sizes, .choices = choices};
  memcpy(k->size, size, (size_t)sizes * sizeof *size);
  memcpy(k->choice, choice, (size_t)choices * sizeof *choice);
}

// ---- as text

void nc_tuned_print(const NcTuned *t, NcBuf *out) {
  nc_put(out, "nacre-tuned 1\nfor ");
  nc_put_json(out, t->key);
  nc_putc(out, '\n');
  for (int i = 0; i < t->known.n; i++) {
    const NcTuning *k = &t->known.at[i];
    nc_put(out, k->kind);
    for (int j = 0; j < k->sizes; j++) nc_putf(out, " %" PRId64, k->size[j]);
    nc_put(out, " =");
    for (int j = 0; j < k->choices; j++) nc_putf(out, " %" PRId64, k->choice[j]);
    nc_putc(out, '\n');
  }
}

// Whole numbers from *s on, at most `most`; -1 where there are more.
static int numbers(const char **s, int64_t *to, int most) {
  for (int n = 0;; n++) {
    char *end;
    if (**s != ' ' || !(((*s)[1] >= '0' && (*s)[1] <= '9') || (*s)[1] == '-')) return n;
    if (n == most) return -1;
    long long v = strtoll(*s + 1, &end, 10);
    if (end == *s + 1 || v > INT32_MAX || v < INT32_MIN) return -1;
    to[n] = v;
    *s = end;
  }
}

static bool line(NcTuned *t, const char *s) {
  size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz_");
  NcTuning k = {.kind = nc_strndup(t->arena, s, n)};
  s += n;
  if (!n || (k.sizes = numbers(&s, k.size, NC_TUNED_SIZES)) < 1 || strncmp(s, " =", 2) != 0) return false;
  s += 2;
  if ((k.choices = numbers(&s, k.choice, NC_TUNED_CHOICES)) < 1 || *s) return false;
  nc_tuned_set(t, &k);
  return true;
}

// The key is quoted, as it was printed: a quote or a backslash in it follows a backslash.
static const char *key_of(NcArena *a, const char *s) {
  NcBuf b = NC_BUF(a);
  if (strncmp(s, "for \"", 5) != 0) return NULL;
  for (s += 5; *s && *s != '"'; s++) {
    if (*s == '\\' && !*++s) return NULL;
    nc_putc(&b, *s);
  }
  return *s && !s[1] ? nc_buf_str(&b) : NULL;
}

NcTuned *nc_tuned_read(NcArena *a, const char *text, size_t size) {
  char *copy = nc_strndup(a, text, size), *rest = copy, *s = strsep(&rest, "\n");
  if (strlen(copy) != (rest ? (size_t)(rest - copy - 1) : size) || strcmp(s, "nacre-tuned 1") != 0 || !rest) return NULL;
  const char *key = key_of(a, strsep(&rest, "\n"));
  NcTuned *t = key ? nc_tuned_new(a, key) : NULL;
  while (t && rest && *rest)
    if (!line(t, strsep(&rest, "\n"))) return NULL;
  return t;
}
