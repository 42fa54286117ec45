#include "config.h"
#include "nacre.h"

const char *nacre_version(void) { return PACKAGE_VERSION; }
