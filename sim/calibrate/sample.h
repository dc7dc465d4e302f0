/* SPDX-License-Identifier: MIT */
/* The numbers of many rounds, and the one that stands for them. */
#ifndef MMSIM_SIM_CALIBRATE_SAMPLE_H
#define MMSIM_SIM_CALIBRATE_SAMPLE_H

#define SAMPLE_MAX 2000

struct sample {
	double value[SAMPLE_MAX];
	unsigned int nr;
};

/* Past SAMPLE_MAX nothing is added. */
void sample_add(struct sample *sample, double value);

/**
 * sample_quartile - the lower quartile
 *
 * What disturbs a round makes it longer: a lower quartile holds still where three
 * of four rounds were disturbed. Return: NAN when there are no rounds.
 */
double sample_quartile(const struct sample *sample);

#endif
