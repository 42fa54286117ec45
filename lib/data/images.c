// A folder of PNG and JPEG images; its subfolders, where it has any, are the classes.
//
// Files are taken in the order of their names, so the same folder gives the same examples everywhere. Hidden files and
// those whose names do not end as an image's does are passed over.
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "data/pictures.h"
#include "data/source.h"

static const NcSettingInfo settings[] = {
  {"path", NC_SET_STR, NULL, "the folder", .positional = true},
  {"height", NC_SET_INT, "", "the images' height in points; else all must be as large as the first", .least = 1, .most = 16384},
  {"width", NC_SET_INT, "", "their width; else as their height", .least = 1, .most = 16384},
  {"channels", NC_SET_INT, "3", "3 for colour, 1 for grey: the images are converted", .least = 1, .most = 3},
  {"fit", NC_SET_STR, "\"crop\"",
   "how an image of another shape is made to fit: \"crop\" scales it and cuts off what is too much on two sides, "
   "\"stretch\" scales both sides apart", .choices = "crop stretch"},
};

typedef NC_VEC(const char *) Names;

typedef struct {
  const NcArgs *g;
  NcRange at;                  // of the folder's name
  const char *path;
  Names folder;                // the classes
  Names file;                  // paths
  NC_VEC(int32_t) label;       // of each file
} Folder;

static int by_name(const void *x, const void *y) { return strcmp(*(const char *const *)x, *(const char *const *)y); }
static void sort(Names *v) {
  if (v->n) qsort(v->at, (size_t)v->n, sizeof *v->at, by_name);
}

bool nc_image_named(const char *name) {
  static const char *const ending[] = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff"};
  size_t n = strlen(name);
  for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
    size_t m = strlen(ending[i]);
    if (n > m && strcasecmp(name + n - m, ending[i]) == 0) return true;
  }
  return false;
}

// The names of the folders and of the images in a folder, each sorted. A folder that cannot be read is an error.
static bool list(const Folder *f, const char *path, Names *folders, Names *images) {
  const NcArgs *g = f->g;
  DIR *dir = opendir(path);
  if (!dir) {
    bool file = errno == ENOTDIR;
    NcMessage *m = nc_error(g->d, NC_E0401, f->at, "cannot open the folder `%s`: %s", path, strerror(errno));
    if (file) nc_help(g->d, m, "`images` takes a folder of images, not a single file");
    return false;
  }
  jmp_buf outer;               // no memory: the folder is closed on the way out
  memcpy(&outer, nc_arena_oom(g->a), sizeof outer);
  if (NC_ON_OOM(g->a)) {
    closedir(dir);
    memcpy(nc_arena_oom(g->a), &outer, sizeof outer);
    longjmp(outer, 1);
  }
  *folders = *images = (Names){0};
  for (struct dirent *e; (e = readdir(dir));) {
    struct stat s;
    if (e->d_name[0] == '.') continue;
    bool folder = stat(nc_sprintf(g->a, "%s/%s", path, e->d_name), &s) == 0 && S_ISDIR(s.st_mode);
    if (folder) *NC_PUSH(g->a, *folders) = nc_strdup(g->a, e->d_name);
    else if (nc_image_named(e->d_name)) *NC_PUSH(g->a, *images) = nc_strdup(g->a, e->d_name);
  }
  closedir(dir);
  memcpy(nc_arena_oom(g->a), &outer, sizeof outer);
  sort(folders);
  sort(images);
  return true;
}

static void take(Folder *f, const char *folder, const Names *images, int label) {
  for (int i = 0; i < images->n; i++) {
    *NC_PUSH(f->g->a, f->file) = nc_sprintf(f->g->a, "%s/%s", folder, images->at[i]);
    *NC_PUSH(f->g->a, f->label) = label;
  }
}

static bool one_class(Folder *f, int label) {
  const NcArgs *g = f->g;
  const char *path = nc_sprintf(g->a, "%s/%s", f->path, f->folder.at[label]);
  Names deeper, images;
  if (!list(f, path, &deeper, &images)) return false;
  if (deeper.n) {
    nc_help(g->d, nc_error(g->d, NC_E0405, f->at, "the folder `%s` is a class, but has a folder `%s` of its own", path,
                           deeper.at[0]),
            "put the images of a class side by side into one folder");
    return false;
  }
  take(f, path, &images, label);
  if (images.n) return true;
  nc_help(g->d, nc_error(g->d, NC_E0406, f->at, "the folder `%s` is a class, but has no image", path),
          "put PNG or JPEG files there, or remove the folder");
  return false;
}

static bool walk(const NcArgs *g, Folder *f) {
  const NcSetting *path = nc_arg(g, "path");
  *f = (Folder){.g = g, .at = path->at, .path = nc_arg_path(g, path)};
  Names images;
  if (!list(f, f->path, &f->folder, &images)) return false;
  if (f->folder.n && images.n) {
    nc_help(g->d, nc_error(g->d, NC_E0405, f->at, "`%s` has folders (`%s`), which are classes, and images without one (`%s`)",
                           f->path, f->folder.at[0], images.at[0]),
            "put every image into the folder of its class");
    return false;
  }
  take(f, f->path, &images, 0);
  for (int i = 0; i < f->folder.n; i++)
    if (!one_class(f, i)) return false;
  if (f->file.n) return true;
  nc_help(g->d, nc_error(g->d, NC_E0406, f->at, "`%s` has no image", f->path),
          "put PNG or JPEG files there, or a folder of them for each class");
  return false;
}

// Memory for one image at a time; where it runs out, the caller's way out is taken.
static NcArena *scratch_new(const NcArgs *g) {
  NcArena *s = nc_arena_new();
  if (!s) longjmp(*nc_arena_oom(g->a), 1);
  return s;
}

static bool first_size(const Folder *f, int64_t *height, int64_t *width) {
  NcArena *scratch = scratch_new(f->g);
  if (NC_ON_OOM(scratch)) {
    nc_arena_free(scratch);
    longjmp(*nc_arena_oom(f->g->a), 1);
  }
  NcImage m;
  bool good = nc_picture_decode(scratch, f->g->d, f->at, f->file.at[0], &m);
  nc_arena_free(scratch);
  *height = m.height;
  *width = m.width;
  return good;
}

static bool fields(const Folder *f, NcFields *out) {
  const NcArgs *g = f->g;
  bool tall = nc_arg_given(g, "height"), wide = nc_arg_given(g, "width");
  const NcSetting *channels = nc_arg(g, "channels");
  if (channels->i == 2) {
    nc_error(g->d, NC_E0312, channels->at, "`channels` is 3 (colour) or 1 (grey)");
    return false;
  }
  int64_t height = nc_arg(g, tall ? "height" : "width")->i, width = nc_arg(g, wide ? "width" : "height")->i;
  if (!tall && !wide && !first_size(f, &height, &width)) return false;
  *out = (NcFields){NC_NEW_N(g->a, NcField, 2), f->folder.n ? 2 : 1, f->file.n};
  out->at[0] = (NcField){.name = "image", .dtype = NC_U8, .shape = NC_SHAPE(channels->i, height, width)};
  out->at[1] = (NcField){.name = "label", .dtype = NC_I32, .classes = f->folder.n, .class_name = f->folder.at};
  return true;
}

static bool describe(const NcArgs *g, NcFields *out) {
  Folder f;
  return walk(g, &f) && fields(&f, out);
}

// All of it is held in memory, so it must fit there.
static bool fits(const Folder *f, const NcField *image) {
  double need = (double)f->file.n * (double)nc_field_bytes(image);
  long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page <= 0 || need < 0.8 * (double)pages * (double)page) return true;
  nc_help(f->g->d, nc_error(f->g->d, NC_E0404, f->at, "%d images of %lld by %lld points are %.1f GB, more than this machine's memory holds",
                            f->file.n, (long long)image->shape.dim[2], (long long)image->shape.dim[1], need * 1e-9),
          "choose a smaller `height` and `width`, or `channels = 1`");
  return false;
}

static NcDataset *images_open(const NcArgs *g) {
  Folder f;
  NcFields all;
  if (!walk(g, &f) || !fields(&f, &all) || !fits(&f, &all.at[0])) return NULL;
  NcDataset *set = nc_dataset_new(g, &all, f.file.n);
  const int64_t *dim = all.at[0].shape.dim;
  NcPictureForm form = {.channels = (int)dim[0], .height = (int)dim[1], .width = (int)dim[2],
                        .fit = nc_arg(g, "fit")->s[0] == 'c' ? NC_FIT_CROP : NC_FIT_STRETCH,
                        .exact = !nc_arg_given(g, "height") && !nc_arg_given(g, "width")};
  for (int i = 0; i < all.n; i++) set->origin[i] = f.path;
  if (!nc_pictures_read(g->a, g->d, f.at, f.file.at, f.file.n, &form, set->data[0])) return NULL;
  for (int i = 0; all.n > 1 && i < f.file.n; i++) ((int32_t *)set->data[1])[i] = f.label.at[i];
  return set;
}

const char *const *nc_images_files(NcArena *a, NcDiag *d, const NcSourceSpec *spec) {
  NcArgs g;
  Folder f;
  return nc_source_bind(a, d, spec, &g) == &nc_images_kind && walk(&g, &f) ? f.file.at : NULL;
}

const NcSourceKind nc_images_kind = {
  {"images", "a folder of PNG and JPEG images, in a folder for each class, or without classes",
   "image: u8[channels, height, width]; label: i32, where the folder has folders, whose names, sorted, are the classes",
   "images(\"photos\", height = 64, width = 64)", NC_SETTINGS(settings)},
  describe, images_open,
};
