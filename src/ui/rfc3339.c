#include "ui/rfc3339.h"

#include <stddef.h>
#include <string.h>

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, MILLI, N_PARTS };

static unsigned days_in(unsigned year, unsigned month)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30,
					     31, 31, 30, 31, 30, 31};
	unsigned is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 ? is_leap : 0);
}

/* Digits stand where the picture has 0, anything else stands for itself. */
static enum err split(const char *text, unsigned part[static N_PARTS])
{
	static const char picture[] = "0000-00-00T00:00:00.000Z";
	size_t at = 0;
	memset(part, 0, N_PARTS * sizeof *part);
	if (strlen(text) != sizeof picture - 1)
		return ERR_USAGE;
	for (size_t i = 0; picture[i]; i++) {
		if (picture[i] != '0' && picture[i] != text[i])
			return ERR_USAGE;
		if (picture[i] != '0')
			at++;
		else if (text[i] < '0' || text[i] > '9')
			return ERR_USAGE;
		else
			part[at] = part[at] * 10 + (unsigned)(text[i] - '0');
	}
	return ERR_OK;
}

static uint64_t days_before(unsigned year, unsigned month)
{
	uint64_t past = year - 1;
	uint64_t days = past * 365 + past / 4 - past / 100 + past / 400;
	for (unsigned m = 1; m < month; m++)
		days += days_in(year, m);
	return days;
}

enum err rfc3339_parse(const char *text, uint64_t *wall_ms)
{
	unsigned part[N_PARTS];
	if (split(text, part) != ERR_OK || part[YEAR] < 1970 || part[MONTH] < 1 ||
	    part[MONTH] > 12 || part[DAY] < 1 ||
	    part[DAY] > days_in(part[YEAR], part[MONTH]) || part[HOUR] > 23 ||
	    part[MINUTE] > 59 || part[SECOND] > 59)
		return ERR_USAGE;
	uint64_t days = days_before(part[YEAR], part[MONTH]) - days_before(1970, 1) +
			part[DAY] - 1;
	uint64_t seconds =
		((days * 24 + part[HOUR]) * 60 + part[MINUTE]) * 60 + part[SECOND];
	*wall_ms = seconds * 1000 + part[MILLI];
	return ERR_OK;
}
