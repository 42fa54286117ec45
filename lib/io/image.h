// PNG and JPEG images as rows of bytes. What the file's first bytes say counts, not its name.
//
// PNG: grey, colour and palette, 1 to 16 bits (the upper 8 are kept), interlaced; what is transparent shows white paper;
// of an animation the first picture; gamma and colour profiles are left alone. JPEG: grey and colour, baseline and
// progressive; an orientation noted by a camera is not applied. Refused: CMYK, more than 2^27 points or 2^16 along a side.
#ifndef NC_IMAGE_H
#define NC_IMAGE_H
#include "io/bytes.h"

typedef struct {
  int width, height, channels;   // channels: 1 grey, 3 red green blue, side by side
  unsigned char *pixel;          // [height, width, channels]
} NcImage;

// false after E0402 (damaged), E0404 (of a kind that is not read, or not by this build).
bool nc_image_parse(NcArena *a, NcDiag *d, const NcBytes *b, NcImage *out);

typedef enum { NC_FIT_CROP, NC_FIT_STRETCH } NcFit;

// To height × width points and 1 or 3 channels, as planes: out [channels, height, width]. Crop takes the largest part
// around the middle that has the shape wanted. Scaled by a triangle filter, which is bilinear where the image grows and
// averages over what falls together where it shrinks. Grey is 0.299 red + 0.587 green + 0.114 blue.
void nc_image_fit(NcArena *scratch, const NcImage *image, NcFit fit, int channels, int height, int width,
                  unsigned char *out);
#endif
