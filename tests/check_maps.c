// The library's maps of names: each tensor of another library's file has its place, of its shape, in the network of
// examples/. The lists of names and shapes are written by tests/golden/torchvision_weights.py and transformers_weights.py;
// values are compared there.
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "golden.h"
#include "tempdir.h"
#include "train/model.h"

#define VISION(net, image) {#net, "torchvision", #net, #net "()", "x: f32[B, " image "]", "f32[B, 1000]", "x"}
#define TEXT(file, map, call) {#map, #map, #file, call, "tok: i32[B, T]", "f32[B, T, 65]", "tok"}
static const struct { const char *list, *map, *file, *call, *input, *output, *name; } nets[] = {
  VISION(alexnet, "3, 224, 224"),
  VISION(vgg11, "3, 224, 224"),
  VISION(resnet18, "3, 32, 32"),
  VISION(resnet50, "3, 32, 32"),
  VISION(mobilenet_v2, "3, 32, 32"),
  VISION(efficientnet_b0, "3, 32, 32"),
  TEXT(gpt, gpt2, "gpt(V = 65, D = 32, L = 3, heads = 4, context = 24, bias = true, gelu_tanh = true)"),
  TEXT(llama, llama, "llama(V = 65, D = 32, L = 3, heads = 4, groups = 2, context = 24)"),
};
enum { NETS = sizeof nets / sizeof *nets };

static NacreModel *m;

static void close_model(void) {
  nacre_close(m);
  m = NULL;
  temp_close();
}

// Writes the header of a safetensors file with the tensors that are listed under "network NAME", and a hole for their
// values; leaves out the tensor number `without`. Gives how many there are.
static int write_file(const char *path, const char *list, const char *network, int without) {
  NcBuf b = NC_BUF(arena);
  int n = 0;
  int64_t at = 0;
  const char *s = strstr(list, nc_sprintf(arena, "network %s\n", network));
  ck_assert_ptr_nonnull(s);
  for (s = strchr(s, '\n') + 1; *s && strncmp(s, "network ", 8) != 0; s = strchr(s, '\n') + 1) {
    char name[128], dims[64];
    ck_assert_int_eq(sscanf(s, "%127s %63s", name, dims), 2);
    if (n++ == without) continue;
    int64_t count = 1;
    nc_putf(&b, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", at ? "," : "{", name);
    for (char *p = dims; *p; p += *p == 'x') {
      long v = strtol(p, &p, 10);
      count *= v;
      nc_putf(&b, "%ld%s", v, *p == 'x' ? "," : "");
    }
    nc_putf(&b, "],\"data_offsets\":[%lld,%lld]}", (long long)at, (long long)(at + 4 * count));
    at += 4 * count;
  }
  nc_putc(&b, '}');
  while (b.n % 8) nc_putc(&b, ' ');
  FILE *f = fopen(path, "wb");
  uint64_t size = (uint64_t)b.n;
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_eq(fwrite(&size, 8, 1, f), 1);
  ck_assert_uint_eq(fwrite(nc_buf_str(&b), 1, (size_t)size, f), size);
  ck_assert_int_eq(fclose(f), 0);
  ck_assert_int_eq(truncate(path, (off_t)(8 + size) + at), 0);
  return n;
}

static NacreStatus open_net(int i, const char *path) {
  nacre_close(m);
  const char *text = nc_sprintf(
    arena, "nn 1\nimport \"%s\" as zoo\nweights theirs = safetensors(\"%s\", names = \"%s\")\n"
    "model whole(%s) -> %s { %s |> zoo.%s as net from theirs }\n",
    in_source(arena, nc_sprintf(arena, "examples/%s.nn", nets[i].file)), path, nets[i].map, nets[i].input, nets[i].output,
    nets[i].name, nets[i].call);
  return nacre_open_text("whole.nn", text, strlen(text), NULL, &m);
}

START_TEST(every_tensor_has_its_place) {
  size_t size;
  NcDiag *d = nc_diag_new(arena);
  const char *file = strcmp(nets[_i].map, "torchvision") == 0 ? "torchvision_names" : "transformers_names";
  file = in_source(arena, nc_sprintf(arena, "tests/golden/%s.txt", file));
  const char *list = nc_read_file(arena, d, NC_E0601, NC_NOWHERE, file, &size);
  ck_assert_ptr_nonnull(list);
  const char *path = temp_path("theirs.safetensors");
  int n = write_file(path, list, nets[_i].list, -1);
  NacreStatus s = open_net(_i, path);
  ck_assert_msg(s == NACRE_OK, "%s", nacre_message(m));
  ck_assert_int_eq(m->program->variable.n, n);   // each was found, so none is left over
  write_file(path, list, nets[_i].list, n / 2);
  ck_assert_int_ne(open_net(_i, path), NACRE_OK);
  ck_assert_ptr_nonnull(strstr(nacre_message(m), "E0411"));
}
END_TEST

int main(void) {
  Suite *s = suite_create("maps");
  TCase *t = suite_case(s, "names", temp_open, close_model);
  tcase_add_loop_test(t, every_tensor_has_its_place, 0, NETS);
  return suite_run(s, CK_FORK_GETENV);
}
