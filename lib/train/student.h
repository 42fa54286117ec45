// What several measurements tell together: their mean, and how far from it the mean of many more may lie.
#ifndef NC_STUDENT_H
#define NC_STUDENT_H

typedef struct {
  double mean, deviation;    // of the sample: n - 1
  double half;               // of the 95 % confidence interval, by Student's t; NaN of one value
  double least, most;
} NcSpread;
NcSpread nc_spread(const double *v, int n);

double nc_student(int freedom);   // t with 95 % of the distribution between -t and t
#endif
