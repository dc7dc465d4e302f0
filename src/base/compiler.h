/* SPDX-License-Identifier: MIT */
/* Small words every floor uses; they know nothing of the simulation. */
#ifndef MMSIM_BASE_COMPILER_H
#define MMSIM_BASE_COMPILER_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#define noinline __attribute__((noinline))
#define __printf(fmt, args) __attribute__((format(printf, fmt, args)))
#define __cacheline_aligned __attribute__((aligned(64)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#if defined(__SANITIZE_ADDRESS__)
#define MMSIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MMSIM_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define MMSIM_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MMSIM_TSAN 1
#endif
#endif

#endif
