// Networks of examples/ against PyTorch, as the files in examples/ have them, at a small size: outputs before and after
// training, gradients, and the losses of the first steps, by the reference evaluator and on a device by both classes of
// code. What is random in a network (dropout, noise) is given, and is the same numbers in PyTorch. tests/golden/network.py
// says what a file holds.
//
// NACRE_TEST_ONLY=NAME runs one. NACRE_TEST_PRINT tells how far each is off, and the cost.
#ifndef NETWORK_SUITE_H
#define NETWORK_SUITE_H
#include <check.h>

// What main returns: those in tests/golden/networks/TABLE for each of the tables, up to NULL; `more` adds tests of its own.
int network_suite(const char *title, const char *const *table, void (*more)(TCase *));
#endif
