#include "bench_report.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench_figures.h"
#include "bench_run.h"
#include "bench_support.h"

enum { NUMBER_BYTES = 48 };

/* ---- of some rounds ---- */

/* The values of one figure in all rounds, sorted. Returns how many there are. */
static size_t collect(const json_t *rounds, const char *part, const char *name, double *values)
{
    size_t index, count = 0;
    json_t *round;
    json_array_foreach(rounds, index, round)
    {
        const json_t *number = json_object_get(json_object_get(round, part), name);
        if (json_is_number(number)) values[count++] = json_number_value(number);
    }
    qsort(values, count, sizeof *values, bench_by_value);
    return count;
}

static double median(const double *sorted, size_t count)
{
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

static json_t *make_part(const json_t *rounds, const char *part, json_t *first)
{
    json_t *object = json_object(), *spread = json_object(), *number;
    double *values = calloc(json_array_size(rounds) + 1, sizeof *values);
    const char *name;
    if (!values) bench_stop("out of memory");
    json_object_foreach(first, name, number)
    {
        size_t count = collect(rounds, part, name, values);
        if (count == 0) continue;
        bench_set(object, name, median(values, count));
        json_object_set_new(spread, name, json_pack("[f,f]", values[0], values[count - 1]));
    }
    json_object_set_new(object, "spread", spread);
    free(values);
    return object;
}

json_t *bench_report_make(const json_t *rounds, json_t *settings)
{
    char date[32];
    time_t now = time(NULL);
    struct tm broken;
    const char *part;
    json_t *figures;
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &broken));
    json_t *report = json_pack("{s:s,s:s,s:I,s:O}", "date", date, "version", SAGA_VERSION, "cores",
                               (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "settings", settings);
    json_object_foreach(json_array_get(rounds, 0), part, figures)
        json_object_set_new(report, part, make_part(rounds, part, figures));
    return report;
}

/* ---- for people ---- */

/* 12345.678 with 1: "12,345.7". */
static const char *format(double value, int decimals, char text[NUMBER_BYTES])
{
    char plain[NUMBER_BYTES];
    char *to = text;
    int size = snprintf(plain, sizeof plain, "%.*f", decimals, value);
    int whole = decimals ? size - decimals - 1 : size;
    if (size >= NUMBER_BYTES / 2) return strcpy(text, "very much");
    for (int i = 0; i < size; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0 && plain[i - 1] != '-') *to++ = ',';
        *to++ = plain[i];
    }
    *to = '\0';
    return text;
}

static void print_goal(const struct bench_figure *figure, double value, FILE *out)
{
    char goal[NUMBER_BYTES], words[2 * NUMBER_BYTES] = "";
    bool more = figure->better == BENCH_MORE;
    if (figure->goal > 0)
        snprintf(words, sizeof words, "%s %s: %s",
                 more ? ">=" : "<=", format(figure->goal, figure->goal < 10 ? 2 : 0, goal),
                 (more ? value >= figure->goal : value <= figure->goal) ? "met" : "NOT met");
    fprintf(out, "  %-22s", words);
}

static void print_figure(const char *part, const char *name, double value, const json_t *spread,
                         FILE *out)
{
    char text[3][NUMBER_BYTES];
    const struct bench_figure *figure = bench_figure(part, name);
    const json_t *ends = json_object_get(spread, name);
    fprintf(out, "  %-24s %12s", name, format(value, figure->decimals, text[0]));
    if (spread)
        fprintf(out, "  %12s %12s",
                format(json_number_value(json_array_get(ends, 0)), figure->decimals, text[1]),
                format(json_number_value(json_array_get(ends, 1)), figure->decimals, text[2]));
    print_goal(figure, value, out);
    fprintf(out, "  %s\n", figure->words);
}

static long rounds_of(const json_t *report)
{
    return (long)json_integer_value(json_object_get(json_object_get(report, "settings"), "repeat"));
}

void bench_report_print(const json_t *report, FILE *out)
{
    bool repeated = rounds_of(report) > 1;
    for (const struct bench_part *part = bench_parts; part->name; part++) {
        json_t *figures = json_object_get(report, part->name), *number;
        const char *name;
        if (!figures) continue;
        fprintf(out, "\n%s: %s\n", part->name, part->words);
        fprintf(out, "  %-24s %12s", "", repeated ? "median" : "");
        if (repeated) fprintf(out, "  %12s %12s", "lowest", "highest");
        fprintf(out, "  goal\n");
        json_object_foreach(figures, name, number)
        {
            if (json_is_number(number))
                print_figure(part->name, name, json_number_value(number),
                             repeated ? json_object_get(figures, "spread") : NULL, out);
        }
    }
}

/* ---- beside an earlier run ---- */

json_t *bench_report_read(const char *path, char *words, size_t size)
{
    json_error_t error;
    json_t *report = json_load_file(path, 0, &error);
    if (!report) {
        snprintf(words, size, "%s: line %d: %s", path, error.line, error.text);
    } else if (rounds_of(report) < 1) {
        snprintf(words, size, "%s is not what ./dev bench -o json printed", path);
        json_decref(report);
        report = NULL;
    }
    return report;
}

static bool is_outside(double value, const json_t *spread)
{
    return value < json_number_value(json_array_get(spread, 0)) ||
           value > json_number_value(json_array_get(spread, 1));
}

static json_t *compare_part(const json_t *old, json_t *new, bool spreads_known)
{
    json_t *object = json_object(), *number;
    const char *name;
    json_object_foreach(new, name, number)
    {
        const json_t *before = json_object_get(old, name);
        if (!json_is_number(number) || !json_is_number(before)) continue;
        double from = json_number_value(before), to = json_number_value(number);
        bool beyond = is_outside(to, json_object_get(json_object_get(old, "spread"), name)) &&
                      is_outside(from, json_object_get(json_object_get(new, "spread"), name));
        json_t *row = json_pack("{s:f,s:f}", "old", from, "new", to);
        json_object_set_new(row, "change",
                            from != 0 ? json_real((to - from) / fabs(from)) : json_null());
        json_object_set_new(row, "beyondNoise", spreads_known ? json_boolean(beyond) : json_null());
        json_object_set_new(object, name, row);
    }
    return object;
}

json_t *bench_report_compare(const json_t *old, const json_t *new)
{
    json_t *comparison = json_object();
    bool spreads_known = rounds_of(old) > 1 && rounds_of(new) > 1;
    for (const struct bench_part *part = bench_parts; part->name; part++) {
        const json_t *before = json_object_get(old, part->name);
        json_t *now = json_object_get(new, part->name);
        if (before && now)
            json_object_set_new(comparison, part->name, compare_part(before, now, spreads_known));
    }
    return comparison;
}

static const char *verdict(const struct bench_figure *figure, const json_t *row)
{
    const json_t *beyond = json_object_get(row, "beyondNoise");
    bool more = json_number_value(json_object_get(row, "change")) > 0;
    if (json_is_null(beyond)) return "noise unknown: one round only";
    if (!json_is_true(beyond)) return "within the noise";
    if (figure->better == BENCH_NEITHER) return "beyond the noise";
    return more == (figure->better == BENCH_MORE) ? "beyond the noise: better"
                                                  : "beyond the noise: WORSE";
}

static void print_row(const char *part, const char *name, const json_t *row, FILE *out)
{
    char before[NUMBER_BYTES], now[NUMBER_BYTES];
    const struct bench_figure *figure = bench_figure(part, name);
    double change = json_number_value(json_object_get(row, "change"));
    fprintf(out, "  %-24s %12s %12s %+8.1f %%  %s\n", name,
            format(json_number_value(json_object_get(row, "old")), figure->decimals, before),
            format(json_number_value(json_object_get(row, "new")), figure->decimals, now),
            100 * change, verdict(figure, row));
}

/* Figures of other settings are not the same figures. */
static bool same_settings(const json_t *old, const json_t *new)
{
    json_t *a = json_copy(json_object_get(old, "settings"));
    json_t *b = json_copy(json_object_get(new, "settings"));
    json_object_del(a, "repeat");
    json_object_del(b, "repeat");
    bool same = json_equal(a, b) &&
                json_equal(json_object_get(old, "cores"), json_object_get(new, "cores"));
    json_decref(a);
    json_decref(b);
    return same;
}

void bench_report_print_comparison(const json_t *comparison, const json_t *old, const json_t *new,
                                   FILE *out)
{
    const json_t *settings = json_object_get(old, "settings");
    char *words = json_dumps(settings, JSON_COMPACT);
    fprintf(out, "\nbeside the run of %s, version %s, on %lld cores, with %s\n",
            json_string_value(json_object_get(old, "date")),
            json_string_value(json_object_get(old, "version")),
            (long long)json_integer_value(json_object_get(old, "cores")), words ? words : "?");
    free(words);
    if (!same_settings(old, new))
        fprintf(out, "THIS RUN HAS OTHER SETTINGS OR CORES: the two do not compare\n");
    for (const struct bench_part *part = bench_parts; part->name; part++) {
        json_t *rows = json_object_get(comparison, part->name), *row;
        const char *name;
        if (!rows) continue;
        fprintf(out, "\n%s\n  %-24s %12s %12s %10s\n", part->name, "", "old", "new", "change");
        json_object_foreach(rows, name, row) print_row(part->name, name, row, out);
    }
    if (json_object_size(comparison) == 0) fprintf(out, "  no part was in both\n");
}
