/* The browser view in the binary: what the page names is there, whole, under its type, and nothing but it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "ui/files.h"

enum { FIRST_PAINT_BYTES_MAX = 100 * 1024, INFLATED_BYTES_MAX = 4 * 1024 * 1024 };

static size_t sent_bytes(const struct saga_ui_file *file)
{
    return file->gzip.data ? file->gzip.size : file->bytes.size;
}

static void the_page_is_there(void **state)
{
    (void)state;
    const struct saga_ui_file *page = saga_ui_file(SAGA_SLICE("/"));
    assert_non_null(page);
    assert_ptr_equal(page, saga_ui_file(SAGA_SLICE("/index.html")));
    assert_string_equal(page->content_type, "text/html; charset=utf-8");
    assert_false(page->immutable);
    assert_non_null(memmem(page->bytes.data, page->bytes.size, "<div id=\"app\">", 14));
}

/* The page and what it names, as far as the first "assets/..." attributes go. */
static void what_the_page_names_is_there_and_small(void **state)
{
    (void)state;
    const struct saga_ui_file *page = saga_ui_file(SAGA_SLICE("/"));
    size_t total = sent_bytes(page), scripts = 0, styles = 0;
    const char *end = page->bytes.data + page->bytes.size;
    for (const char *at = page->bytes.data;
         (at = memmem(at, (size_t)(end - at), "\"./assets/", 10)) != NULL; at++) {
        const char *quote = memchr(at + 1, '"', (size_t)(end - at - 1));
        struct saga_slice path = { at + 2, (size_t)(quote - at - 2) };
        const struct saga_ui_file *file = saga_ui_file(path);
        assert_non_null(file);
        assert_true(file->immutable);
        scripts += strncmp(file->content_type, "text/javascript", 15) == 0;
        styles += strncmp(file->content_type, "text/css", 8) == 0;
        total += sent_bytes(file);
    }
    assert_int_equal(scripts, 1);
    assert_int_equal(styles, 1);
    assert_true(total < FIRST_PAINT_BYTES_MAX);
}

/* The policy that the server sends forbids scripts and styles in the page itself. */
static void nothing_stands_inside_the_page(void **state)
{
    (void)state;
    static const char *const forbidden[] = { "<script>", "<style", " style=",
                                             " onload=", "http:",  "https:" };
    const struct saga_ui_file *page = saga_ui_file(SAGA_SLICE("/"));
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
        assert_null(memmem(page->bytes.data, page->bytes.size, forbidden[i], strlen(forbidden[i])));
}

static void gzip_holds_the_same(void **state)
{
    (void)state;
    unsigned char *out = malloc(INFLATED_BYTES_MAX);
    size_t zipped = 0;
    for (size_t i = 0; i < saga_ui_file_count; i++) {
        const struct saga_ui_file *file = &saga_ui_files[i];
        z_stream z = { 0 };
        if (!file->gzip.data) continue;
        zipped++;
        assert_true(file->gzip.size < file->bytes.size);
        assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
        z.next_in = (unsigned char *)(uintptr_t)file->gzip.data;
        z.avail_in = (unsigned)file->gzip.size;
        z.next_out = out;
        z.avail_out = INFLATED_BYTES_MAX;
        assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
        inflateEnd(&z);
        assert_int_equal(z.avail_in, 0);
        assert_int_equal(z.total_out, file->bytes.size);
        assert_memory_equal(out, file->bytes.data, file->bytes.size);
    }
    assert_true(zipped > 0);
    free(out);
}

/* A browser that has one form, or one version, of a file must not be told that it has another. */
static void etags_differ_and_are_quoted(void **state)
{
    (void)state;
    for (size_t i = 0; i < saga_ui_file_count; i++) {
        const struct saga_ui_file *file = &saga_ui_files[i];
        size_t size = strlen(file->etag);
        assert_true(size > 2 && file->etag[0] == '"' && file->etag[size - 1] == '"');
        assert_string_not_equal(file->etag, file->gzip_etag);
        for (size_t k = 0; k < i; k++) assert_string_not_equal(file->etag, saga_ui_files[k].etag);
    }
}

static void other_paths_find_nothing(void **state)
{
    (void)state;
    static const char *const paths[] = { "",
                                         "index.html",
                                         "/index.htm",
                                         "/index.html/",
                                         "/INDEX.HTML",
                                         "//index.html",
                                         "/./index.html",
                                         "/assets/../index.html",
                                         "/assets",
                                         "/assets/",
                                         "/%69ndex.html",
                                         "/stamp",
                                         "/../etc/passwd" };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_null(saga_ui_file(saga_slice_of(paths[i])));
    assert_null(saga_ui_file((struct saga_slice){ "/index.html\0x", 13 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_there),
        cmocka_unit_test(what_the_page_names_is_there_and_small),
        cmocka_unit_test(nothing_stands_inside_the_page),
        cmocka_unit_test(gzip_holds_the_same),
        cmocka_unit_test(etags_differ_and_are_quoted),
        cmocka_unit_test(other_paths_find_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
