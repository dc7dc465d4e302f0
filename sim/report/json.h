/* SPDX-License-Identifier: MIT */
/* Small pieces that results as JSON are made of. */
#ifndef MMSIM_SIM_REPORT_JSON_H
#define MMSIM_SIM_REPORT_JSON_H

#include "trace/histogram.h"

#include <jansson.h>
#include <mmsim/mmsim.h>

void json_set_int(json_t *object, const char *key, uint64_t value);
void json_set_text(json_t *object, const char *key, const char *value);
/* Objects and bytes of one type, by its name. */
void json_set_bytes(json_t *object, const struct mmsim_bytes *bytes);
/* "": there is none. */
const char *json_text(const json_t *object, const char *key);
/* Count, sum, quantiles and longest of times, nanoseconds. */
json_t *json_times(uint64_t count, uint64_t sum, uint64_t p50, uint64_t p99, uint64_t max);
json_t *json_latency(const struct fine_histogram *h);

#endif
