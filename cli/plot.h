// The loss as a small curve in the terminal.
#ifndef NACRE_CLI_PLOT_H
#define NACRE_CLI_PLOT_H
#include <stdbool.h>
#include <stdio.h>

typedef struct { double step, loss; } CliPoint;
enum { CLI_POINTS = 1024, CLI_PLOT_WIDTH = 76 };    // columns that a curve takes
typedef struct { CliPoint at[CLI_POINTS]; int n, skip, skipped; double mean, weight; } CliCourse;  // of many points few are kept
typedef struct {
  CliCourse train, valid;
  int lines;                 // that stand on the terminal now
  bool color;
} CliPlot;

void cli_plot_add(CliCourse *c, double step, double loss, double smooth);    // smooth: what the points before weigh, 0 to 1
void cli_plot_draw(CliPlot *p, FILE *to);     // nothing before there are two points
void cli_plot_erase(CliPlot *p, FILE *to);    // what was drawn last, where the cursor stands in the line behind it
#endif
