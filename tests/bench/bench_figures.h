/* The figures of the benchmark: what each means, how it is printed, and the goals. */
#ifndef SAGA_BENCH_FIGURES_H
#define SAGA_BENCH_FIGURES_H

enum bench_better { BENCH_NEITHER, BENCH_MORE, BENCH_LESS };

struct bench_figure {
    const char *part; /* NULL: of any part */
    const char *name;
    int decimals;
    enum bench_better better;
    const char *words;
    double goal; /* at least that where more is better, else at most; 0: none */
};

/* Of every name; an unknown one is printed without words. */
const struct bench_figure *bench_figure(const char *part, const char *name);

#endif
