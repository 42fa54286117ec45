// nacre.h: the public interface of libnacre.
#ifndef NACRE_H
#define NACRE_H
#ifdef __cplusplus
extern "C" {
#endif

const char *nacre_version(void);   // "0.1.0"; static

#ifdef __cplusplus
}
#endif
#endif
