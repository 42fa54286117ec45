// The places that put an axis in order: out[o][k][i] is the place along the axis of the k-th element of x[o][·][i].
// Equal elements keep their order; NaN counts as larger than any number.
//
//   KEY                        type of x: float, int or long
//   LINES LENGTH INNER COUNT   o and i together; elements of the axis; i alone; how many places are wanted
//   DOWN                       1: the largest first
//   IDX                        integer type of indices
//   CPU                        1: a work-item orders PER lines, one after the other
//   FEW                        1: the COUNT best are kept in a small list while the line is walked once
//   GROUP                      gpu: local size
//
// cpu   NAME(x, ws, out). Runs of RUN elements by insertion, then merged in pairs, from one half of the line's room in
//       ws [LINES][2][LENGTH] to the other. With FEW, ws is not touched.
// gpu   NAME_rank(x, ws): every element finds its place in its run of RUN by counting.
//       NAME_merge(x, ws, width, side): every element finds its place in the pair of runs of `width` by bisection of the
//       run beside its own; from one half of ws, `side`, [2][LINES][LENGTH] to the other.
//       NAME_take(ws, out, side): the first COUNT.

#define RUN 16
#define EARLIER(a, b) (DOWN ? (a) > (b) || ((a) != (a) && (b) == (b)) : (a) < (b) || ((b) != (b) && (a) == (a)))
#define BASE(line) ((line) / INNER * LENGTH * INNER + (line) % INNER)
#define OUT(line, k) (((line) / INNER * COUNT + (k)) * INNER + (line) % INNER)

#if CPU && FEW
INLINE void FN(_line)(__global const KEY *x, __global int *ws, __global int *out, IDX line) {
  int best[COUNT];
  int n = 0;
  for (int i = 0; i < LENGTH; i++) {
    const KEY v = x[(IDX)i * INNER];
    if (n == COUNT && !EARLIER(v, x[(IDX)best[n - 1] * INNER])) continue;
    int k = n < COUNT ? n++ : n - 1;
    for (; k > 0 && EARLIER(v, x[(IDX)best[k - 1] * INNER]); k--) best[k] = best[k - 1];
    best[k] = i;
  }
  for (int k = 0; k < COUNT; k++) out[OUT(line, k)] = best[k];
}
#elif CPU
INLINE void FN(_runs)(__global const KEY *x, __global int *to) {
  for (int from = 0; from < LENGTH; from += RUN)
    for (int i = from; i < min(from + RUN, LENGTH); i++) {
      const KEY v = x[(IDX)i * INNER];
      int k = i;
      for (; k > from && EARLIER(v, x[(IDX)to[k - 1] * INNER]); k--) to[k] = to[k - 1];
      to[k] = i;
    }
}

INLINE void FN(_pair)(__global const KEY *x, __global const int *a, __global int *to, int left, int middle, int right) {
  int i = left, k = middle;
  for (int n = left; n < right; n++) {
    const bool second = k < right && (i == middle || EARLIER(x[(IDX)a[k] * INNER], x[(IDX)a[i] * INNER]));
    to[n] = second ? a[k++] : a[i++];
  }
}

INLINE void FN(_line)(__global const KEY *x, __global int *ws, __global int *out, IDX line) {
  __global int *a = ws + line * 2 * LENGTH, *b = a + LENGTH;
  FN(_runs)(x, a);
  for (int width = RUN; width < LENGTH; width *= 2) {
    for (int left = 0; left < LENGTH; left += 2 * width)
      FN(_pair)(x, a, b, left, min(left + width, LENGTH), min(left + 2 * width, LENGTH));
    __global int *swap = a;
    a = b;
    b = swap;
  }
  for (int k = 0; k < COUNT; k++) out[OUT(line, k)] = a[k];
}
#endif

#if CPU
#define ARGS __global const KEY *restrict x, __global int *ws, __global int *out
#define ARG_NAMES x, ws, out
BODY void FN(_item)(size_t item, ARGS) {
  const IDX begin = (IDX)item * PER;
  for (IDX line = begin; line < min(begin + PER, (IDX)LINES); line++) FN(_line)(x + BASE(line), ws, out, line);
}
ITEM_KERNEL(NAME, FN(_item))
#else
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void FN(_rank)(__global const KEY *restrict x, __global int *restrict ws) {
  const IDX g = get_global_id(0), line = g / LENGTH;
  const int i = g % LENGTH, from = i / RUN * RUN;
  if (line >= LINES) return;
  x += BASE(line);
  const KEY v = x[(IDX)i * INNER];
  int rank = from;
  for (int k = from; k < min(from + RUN, LENGTH); k++) {
    const KEY o = x[(IDX)k * INNER];
    rank += k < i ? !EARLIER(v, o) : EARLIER(o, v);
  }
  ws[line * LENGTH + rank] = i;
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void FN(_merge)(__global const KEY *restrict x, __global int *ws, int width, int side) {
  const IDX g = get_global_id(0), line = g / LENGTH;
  const int i = g % LENGTH, pair = i / (2 * width) * (2 * width), middle = min(pair + width, LENGTH);
  if (line >= LINES) return;
  x += BASE(line);
  __global const int *from = ws + side * (IDX)LINES * LENGTH + line * LENGTH;
  __global int *to = ws + (1 - side) * (IDX)LINES * LENGTH + line * LENGTH;
  const bool first = i < middle;
  const int begin = first ? middle : pair, place = from[i];
  const KEY v = x[(IDX)place * INNER];
  int lo = begin, hi = first ? min(pair + 2 * width, LENGTH) : middle;
  while (lo < hi) {                 // how many of the other run come before this element
    const int at = (lo + hi) / 2;
    const KEY o = x[(IDX)from[at] * INNER];
    if (first ? EARLIER(o, v) : !EARLIER(v, o)) lo = at + 1;
    else hi = at;
  }
  to[pair + (i - (first ? pair : middle)) + (lo - begin)] = place;
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void FN(_take)(__global const int *restrict ws, __global int *restrict out, int side) {
  const IDX g = get_global_id(0), line = g / COUNT;
  const int k = g % COUNT;
  if (line < LINES) out[OUT(line, k)] = ws[side * (IDX)LINES * LENGTH + line * LENGTH + k];
}
#endif
#undef RUN
#undef EARLIER
#undef BASE
#undef OUT
