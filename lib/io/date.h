// Dates and times of day in tables, as numbers.
#ifndef NC_DATE_H
#define NC_DATE_H
#include <stdbool.h>

// Days since the begin of 2000-01-01, with the time of day as a fraction: 2026-11-21, 2026/11/21, 2026-11 (its first day),
// 21.11.2026, each with an optional time behind a blank or T: 14:30, 14:30:05, 14:30:05.25, and Z or a shift from
// universal time, +01:00. Of the Gregorian calendar, the years 1 to 9999. False where it is none of these.
bool nc_date(const char *text, double *days);

// What a network is told of a date: years since 2000, where it lies in the year and in the week, each as the sine and cosine
// of an angle, and if there are times of day, where in the day.
enum { NC_DATE_PARTS = 7, NC_DATE_PARTS_OF_DAYS = 5 };
const char *nc_date_part_name(int part);      // "year", "year sin", …
double nc_date_part(double days, int part);
#endif
