#include "device/blast.h"
// What only trying can tell.
void nc_probe(NcDevice *dev, bool allowed) {
  (void)allowed;
  dev->blast = nc_blast_open(dev);
  dev->info.target.clblast = dev->blast != NULL;
}
