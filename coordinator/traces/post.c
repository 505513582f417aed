#include "traces/post.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/memory.h"

#define DEFAULT_PATH "/v1/traces"

struct saga_poster {
    struct saga_post_config config;
    bool (*is_over)(void *context);
    void *context;
    CURL *curl;
    char *url;
    char error[CURL_ERROR_SIZE];
    struct saga_buffer *body; /* of the answer that is being read */
};

/* ---- addresses ---- */

static const char *url_part(CURLU *url, CURLUPart part, unsigned flags, char **owned)
{
    curl_free(*owned);
    *owned = NULL;
    return curl_url_get(url, part, owned, flags) == CURLUE_OK ? *owned : NULL;
}

static const char *fault_of(CURLU *url, const char *endpoint, char **owned)
{
    if (strpbrk(endpoint, " \t\r\n") || curl_url_set(url, CURLUPART_URL, endpoint, 0) != CURLUE_OK)
        return "an address such as http://localhost:4318";
    const char *scheme = url_part(url, CURLUPART_SCHEME, 0, owned);
    if (!scheme || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return "an address that begins with http:// or https://";
    if (url_part(url, CURLUPART_USER, 0, owned) || url_part(url, CURLUPART_PASSWORD, 0, owned))
        return "an address without a password: what gives access stands in the file of headers";
    if (url_part(url, CURLUPART_FRAGMENT, 0, owned)) return "an address without #";
    return NULL;
}

const char *saga_post_endpoint_fault(const char *endpoint)
{
    char *owned = NULL;
    CURLU *url = curl_url();
    if (!url) saga_memory_exhausted("libcurl");
    const char *fault = fault_of(url, endpoint, &owned);
    curl_free(owned);
    curl_url_cleanup(url);
    return fault;
}

/* A collector's own address is enough: where it takes spans is said by the protocol. */
static char *whole_url(const char *endpoint)
{
    char *text = NULL, *owned = NULL;
    CURLU *url = curl_url();
    if (!url) saga_memory_exhausted("libcurl");
    CURLUcode code = curl_url_set(url, CURLUPART_URL, endpoint, 0);
    SAGA_ASSERT(code == CURLUE_OK); /* it was looked at when it was configured */
    const char *path = url_part(url, CURLUPART_PATH, 0, &owned);
    if (!path || strcmp(path, "/") == 0) code = curl_url_set(url, CURLUPART_PATH, DEFAULT_PATH, 0);
    if (code == CURLUE_OK) code = curl_url_get(url, CURLUPART_URL, &text, 0);
    if (code != CURLUE_OK) saga_memory_exhausted("libcurl");
    char *copy = saga_memory_text(text, strlen(text));
    curl_free(text);
    curl_free(owned);
    curl_url_cleanup(url);
    return copy;
}

/* ---- the connection ---- */

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct saga_buffer *body = ((struct saga_poster *)context)->body;
    size_t all = size * count, room = SAGA_TRACES_ANSWER_BYTES_MAX - body->size;
    saga_buffer_append(body, bytes, all < room ? all : room);
    return all <= room ? all : 0; /* whatever it is, it is no answer to spans */
}

static int look_whether_over(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct saga_poster *poster = context;
    (void)a, (void)b, (void)c, (void)d;
    return poster->is_over(poster->context);
}

#define SET(poster, option, value)                                                                 \
    do {                                                                                           \
        CURLcode set = curl_easy_setopt((poster)->curl, option, value);                            \
        if (set == CURLE_OUT_OF_MEMORY) saga_memory_exhausted("libcurl");                          \
        SAGA_ASSERT(set == CURLE_OK);                                                              \
    } while (0)

struct saga_poster *saga_poster_new(const struct saga_post_config *config,
                                    bool (*is_over)(void *context), void *context)
{
    struct saga_poster *poster = saga_memory_zeroed(1, sizeof *poster);
    poster->config = *config;
    poster->is_over = is_over;
    poster->context = context;
    poster->url = whole_url(config->endpoint);
    poster->curl = curl_easy_init();
    if (!poster->curl) saga_memory_exhausted("libcurl");
    SET(poster, CURLOPT_URL, poster->url);
    SET(poster, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(poster, CURLOPT_POST, 1L);
    SET(poster, CURLOPT_NOSIGNAL, 1L);
    SET(poster, CURLOPT_TIMEOUT_MS, (long)config->timeout_ms);
    SET(poster, CURLOPT_USERAGENT, "saga/" SAGA_VERSION);
    SET(poster, CURLOPT_ERRORBUFFER, poster->error);
    SET(poster, CURLOPT_WRITEFUNCTION, take_body);
    SET(poster, CURLOPT_WRITEDATA, poster);
    SET(poster, CURLOPT_XFERINFOFUNCTION, look_whether_over);
    SET(poster, CURLOPT_XFERINFODATA, poster);
    SET(poster, CURLOPT_NOPROGRESS, 0L);
    if (config->ca_file) SET(poster, CURLOPT_CAINFO, config->ca_file);
    return poster;
}

void saga_poster_free(struct saga_poster *poster)
{
    if (!poster) return;
    curl_easy_cleanup(poster->curl);
    free(poster->url);
    free(poster);
}

/* ---- headers ---- */

static struct curl_slist *with_header(struct curl_slist *list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(list, line);
    if (!longer) saga_memory_exhausted("libcurl");
    return longer;
}

/* NULL: they cannot be had. */
static struct curl_slist *headers_of(struct saga_poster *poster, struct saga_arena *arena,
                                     struct saga_diagnostic *diagnostic)
{
    struct saga_slice *lines = NULL;
    size_t count = 0;
    if (poster->config.headers_file &&
        saga_post_headers_read(poster->config.headers_file, arena, &lines, &count, diagnostic) < 0)
        return NULL;
    struct curl_slist *list = with_header(NULL, "Content-Type: application/json");
    list = with_header(list, "Expect:"); /* no question first whether the body may come */
    for (size_t i = 0; i < count; i++) list = with_header(list, saga_arena_string(arena, lines[i]));
    return list;
}

/* ---- one request ---- */

static struct saga_slice header_of(struct saga_poster *poster, const char *name,
                                   struct saga_arena *arena)
{
    struct curl_header *header;
    if (curl_easy_header(poster->curl, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return SAGA_SLICE_NONE;
    return saga_arena_copy(arena, saga_slice_of(header->value));
}

void saga_post(struct saga_poster *poster, struct saga_slice body, struct saga_arena *arena,
               struct saga_post_answer *ret)
{
    struct saga_buffer answer;
    struct saga_diagnostic diagnostic = { 0 };
    *ret = (struct saga_post_answer){ 0 };
    struct curl_slist *headers = headers_of(poster, arena, &diagnostic);
    if (!headers) {
        ret->words = diagnostic.what;
        return;
    }
    saga_buffer_init(&answer, arena);
    poster->body = &answer;
    poster->error[0] = '\0';
    SET(poster, CURLOPT_HTTPHEADER, headers);
    SET(poster, CURLOPT_POSTFIELDS, body.data);
    SET(poster, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
    CURLcode code = curl_easy_perform(poster->curl);
    if (code == CURLE_OUT_OF_MEMORY) saga_memory_exhausted("libcurl");
    const char *why = poster->error[0] ? poster->error : curl_easy_strerror(code);
    if (code == CURLE_OK) {
        curl_easy_getinfo(poster->curl, CURLINFO_RESPONSE_CODE, &ret->status);
        ret->retry_after = header_of(poster, "Retry-After", arena);
        ret->body = saga_buffer_slice(&answer);
        ret->words = saga_arena_printf(arena, "it answers %ld", ret->status);
    } else {
        ret->words = saga_arena_copy(arena, saga_slice_of(why));
    }
    SET(poster, CURLOPT_HTTPHEADER, NULL);
    SET(poster, CURLOPT_POSTFIELDS, NULL);
    curl_slist_free_all(headers);
}
