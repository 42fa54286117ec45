// Files of images to bytes of one size, by several threads.
#ifndef NC_PICTURES_H
#define NC_PICTURES_H
#include "io/image.h"

typedef struct {
  int channels, height, width;
  NcFit fit;
  bool exact;                // every image must be as large as that, not brought to it
} NcPictureForm;

bool nc_picture_decode(NcArena *scratch, NcDiag *d, NcRange at, const char *path, NcImage *out);

// out: [n, channels, height, width]. What is read does not depend on the threads, nor what is reported: the first file in
// order that is wrong. false after E04. Memory that runs out leaves by the arena's way.
bool nc_pictures_read(NcArena *a, NcDiag *d, NcRange at, const char *const *path, int64_t n, const NcPictureForm *form,
                      unsigned char *out);
#endif
