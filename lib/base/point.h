// Numbers are written and read with a point, whatever locale the program that uses the library has chosen: OpenCL C, JSON and
// plans know no other. It holds for the thread that called, and until it returns.
#ifndef NC_POINT_H
#define NC_POINT_H
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

// What nc_point_end takes: the thread's locale before; 0 where it has a point already, or there is no memory for another one.
static inline locale_t nc_point_begin(void) {
  if (strcmp(nl_langinfo(RADIXCHAR), ".") == 0) return (locale_t)0;
  locale_t own = duplocale(uselocale((locale_t)0)), point = own ? newlocale(LC_NUMERIC_MASK, "C", own) : (locale_t)0;
  if (own && !point) freelocale(own);
  return point ? uselocale(point) : (locale_t)0;
}

static inline void nc_point_end(locale_t before) {
  if (!before) return;
  locale_t point = uselocale(before);
  freelocale(point);
}
#endif
