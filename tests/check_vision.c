// The networks of examples/ that look at images, against PyTorch. They have the most kernels.
#include "network_suite.h"

int main(void) { return network_suite("vision", (const char *const[]){"vision", NULL}, NULL); }
