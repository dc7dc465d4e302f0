/* SPDX-License-Identifier: MIT */
/* The machines there are: those that are programs, and a timed one for each profile. */
#include "base/compiler.h"
#include "machine/timed/profile.h"
#include "mmsim/mmsim.h"

int mmsim_machine_at(unsigned int i, struct mmsim_machine_info *info)
{
	static const struct mmsim_machine_info programs[] = {
		{"host", "this computer's cores: pthreads, futex, liburcu"},
		{"step", "fibres; a seed or a schedule says who runs next; no time"},
	};

	if (i < ARRAY_SIZE(programs)) {
		*info = programs[i];
		return 0;
	}
	i -= ARRAY_SIZE(programs);
	for (unsigned int j = 0; j <= i; j++)
		if (!profile_texts[j].name)
			return -ENOENT;
	*info = (struct mmsim_machine_info){profile_texts[i].name, profile_texts[i].description};
	return 0;
}
