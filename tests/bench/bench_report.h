/* What the benchmark says: medians and spreads of some rounds, as a table with the goals, as JSON, and beside those of
 * an earlier run. */
#ifndef SAGA_BENCH_REPORT_H
#define SAGA_BENCH_REPORT_H

#include <jansson.h>
#include <stdio.h>

/* The result of `-o json`: {date, version, cores, settings, PART: {FIGURE: median, ..., spread: {FIGURE: [lowest,
 * highest]}}}. `rounds` is an array of rounds, each {PART: {FIGURE: number}}; `settings` are those of the command line.
 * The caller's. */
json_t *bench_report_make(const json_t *rounds, json_t *settings);
/* For people: every figure, what it means, and whether it meets its goal. */
void bench_report_print(const json_t *report, FILE *out);

/* An earlier result; NULL with `words` where the file is none. The caller's. */
json_t *bench_report_read(const char *path, char *words, size_t size);
/* {PART: {FIGURE: {old, new, change, beyondNoise}}} for each figure that both have: `change` is a share, 0.1 for 10 % more;
 * `beyondNoise` whether each median is outside of the other's spread, null where one of the two has one round only.
 * The caller's. */
json_t *bench_report_compare(const json_t *old, const json_t *new);
void bench_report_print_comparison(const json_t *comparison, const json_t *old, const json_t *new,
                                   FILE *out);

#endif
