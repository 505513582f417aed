#include "traces/otlp.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"

/* Flags of a span: the W3C flag, and whether it is known where the parent is, and that it is elsewhere. */
enum { FLAG_SAMPLED = 1, FLAG_HAS_IS_REMOTE = 256, FLAG_IS_REMOTE = 512, STATUS_ERROR = 2 };
enum { HTTP_TOO_MANY = 429, HTTP_BAD_GATEWAY = 502, HTTP_UNAVAILABLE = 503, HTTP_TIMEOUT = 504 };

static void add_key(struct saga_buffer *out, const char *key, bool first)
{
    saga_buffer_printf(out, "%s{\"key\":\"%s\",\"value\":{", first ? "" : ",", key);
}

static void add_text(struct saga_buffer *out, const char *key, struct saga_slice text, bool first)
{
    add_key(out, key, first);
    saga_buffer_add(out, SAGA_SLICE("\"stringValue\":"));
    saga_buffer_add_json_string(out, text);
    saga_buffer_add(out, SAGA_SLICE("}}"));
}

static void add_attributes(struct saga_buffer *out, const struct saga_span *span)
{
    saga_buffer_add(out, SAGA_SLICE(",\"attributes\":["));
    for (size_t i = 0; i < span->attribute_count; i++) {
        const struct saga_span_attribute *attribute = &span->attributes[i];
        if (attribute->text.data) {
            add_text(out, attribute->key, attribute->text, i == 0);
            continue;
        }
        add_key(out, attribute->key, i == 0);
        saga_buffer_printf(out, "\"intValue\":\"%" PRId64 "\"}}", attribute->number);
    }
    saga_buffer_add_char(out, ']');
}

static void add_link(struct saga_buffer *out, const struct saga_span *span)
{
    if (!span->link_trace.data) return;
    saga_buffer_printf(out, ",\"links\":[{\"traceId\":\"%.*s\",\"spanId\":\"%.*s\"}]",
                       SAGA_SLICE_ARG(span->link_trace), SAGA_SLICE_ARG(span->link_span));
}

void saga_otlp_begin(struct saga_buffer *out, const struct saga_otlp_resource *resource)
{
    saga_buffer_add(out, SAGA_SLICE("{\"resourceSpans\":[{\"resource\":{\"attributes\":["));
    add_text(out, "service.name", resource->service, true);
    add_text(out, "service.version", resource->version, false);
    add_text(out, "service.instance.id", resource->instance, false);
    saga_buffer_add(out,
                    SAGA_SLICE("]},\"scopeSpans\":[{\"scope\":{\"name\":\"saga\",\"version\":"));
    saga_buffer_add_json_string(out, resource->version);
    saga_buffer_add(out, SAGA_SLICE("},\"spans\":["));
}

void saga_otlp_add(struct saga_buffer *out, const struct saga_span *span, bool first)
{
    int flags = FLAG_SAMPLED | FLAG_HAS_IS_REMOTE | (span->parent_is_remote ? FLAG_IS_REMOTE : 0);
    saga_buffer_printf(out, "%s{\"traceId\":\"%.*s\",\"spanId\":\"%.*s\"", first ? "" : ",",
                       SAGA_SLICE_ARG(span->trace), (int)sizeof span->id.digits, span->id.digits);
    if (span->parent.size)
        saga_buffer_printf(out, ",\"parentSpanId\":\"%.*s\"", SAGA_SLICE_ARG(span->parent));
    if (span->trace_state.size) {
        saga_buffer_add(out, SAGA_SLICE(",\"traceState\":"));
        saga_buffer_add_json_string(out, span->trace_state);
    }
    saga_buffer_add(out, SAGA_SLICE(",\"name\":"));
    saga_buffer_add_json_string(out, span->name);
    saga_buffer_printf(out,
                       ",\"kind\":%d,\"flags\":%d,\"startTimeUnixNano\":\"%" PRId64
                       "000000\",\"endTimeUnixNano\":\"%" PRId64 "000000\"",
                       span->kind, flags, span->start_ms, span->end_ms);
    add_attributes(out, span);
    add_link(out, span);
    if (span->failed) saga_buffer_printf(out, ",\"status\":{\"code\":%d}", STATUS_ERROR);
    saga_buffer_add_char(out, '}');
}

void saga_otlp_end(struct saga_buffer *out)
{
    saga_buffer_add(out, SAGA_SLICE("]}]}]}"));
}

/* ---- answers ---- */

uint64_t saga_otlp_rejected(struct saga_slice body, struct saga_arena *arena,
                            struct saga_slice *ret_words)
{
    struct saga_slice partial, count, words;
    unsigned long long rejected = 0;
    const char *why;
    size_t offset;
    *ret_words = SAGA_SLICE_NONE;
    if (body.size == 0 || saga_json_validate(body, &offset, &why) < 0 ||
        saga_json_kind(body) != SAGA_JSON_OBJECT)
        return 0;
    if (saga_json_member(body, SAGA_SLICE("partialSuccess"), &partial) < 0 ||
        saga_json_kind(partial) != SAGA_JSON_OBJECT)
        return 0;
    if (saga_json_member(partial, SAGA_SLICE("errorMessage"), &words) == SAGA_OK &&
        saga_json_text(words, arena, &words) == SAGA_OK)
        *ret_words = saga_slice_clip(words, SAGA_MESSAGE_BYTES_MAX);
    if (saga_json_member(partial, SAGA_SLICE("rejectedSpans"), &count) < 0) return 0;
    if (saga_json_kind(count) == SAGA_JSON_STRING && saga_json_text(count, arena, &count) < 0)
        return 0;
    return saga_slice_to_u64(saga_json_trim(count), &rejected) < 0 ? 0 : rejected;
}

bool saga_otlp_may_retry(long status)
{
    return status == HTTP_TOO_MANY || status == HTTP_BAD_GATEWAY || status == HTTP_UNAVAILABLE ||
           status == HTTP_TIMEOUT;
}

/* `Sun, 06 Nov 1994 08:49:37 GMT`; the older forms of HTTP's dates are not written any more. */
static bool date_of(struct saga_slice value, int64_t *ret_s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[40], month[4];
    struct tm tm = { 0 };
    int end = 0;
    if (value.size == 0 || value.size >= sizeof text) return false;
    memcpy(text, value.data, value.size);
    text[value.size] = '\0';
    if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month,
               &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6 ||
        end != (int)value.size)
        return false;
    const char *at = strstr(months, month);
    if (!at || strlen(month) != 3 || (at - months) % 3 != 0) return false;
    tm.tm_mon = (int)(at - months) / 3;
    tm.tm_year -= 1900;
    *ret_s = timegm(&tm);
    return true;
}

int64_t saga_otlp_retry_after_ms(struct saga_slice value, int64_t now_s)
{
    unsigned long long seconds;
    int64_t date_s;
    value = saga_json_trim(value);
    if (saga_slice_to_u64(value, &seconds) == SAGA_OK)
        return seconds > INT32_MAX ? INT32_MAX * 1000LL : (int64_t)seconds * 1000;
    if (!date_of(value, &date_s)) return -1;
    return date_s > now_s ? (date_s - now_s) * 1000 : 0;
}
