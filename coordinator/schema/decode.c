/* From Avro bytes to JSON, resolving the writer's schema to the reader's on the way. Every read is checked against the
 * end of the bytes; depth, values and the size of the JSON are bounded (schema_internal.h). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "schema/decode_internal.h"
#include "schema/logical.h"
#include "schema/number.h"

static bool decode(struct decoding *d, schema_t writer, schema_t reader, place_t place);
static bool skip(struct decoding *d, schema_t writer, place_t place);

/* ---- to JSON ---- */

static void add(struct decoding *d, const char *text)
{
    saga_buffer_add(&d->walk.out, saga_slice_of(text));
}

static bool add_text(struct decoding *d, place_t place, struct saga_slice text)
{
    for (size_t i = 0; i < text.size;) {
        size_t length = saga_utf8_sequence(text.data + i, text.size - i);
        if (length == 0) return REFUSE(d, place, "a string that is not UTF-8, at its byte %zu", i);
        i += length;
    }
    saga_buffer_add_json_string(&d->walk.out, text);
    return true;
}

static void add_quoted(struct decoding *d, struct saga_slice text)
{
    saga_buffer_add_char(&d->walk.out, '"');
    saga_buffer_add(&d->walk.out, text);
    saga_buffer_add_char(&d->walk.out, '"');
}

static bool add_whole(struct decoding *d, place_t place, enum saga_schema_logical logical,
                      int64_t value)
{
    char text[SAGA_LOGICAL_TEXT_BYTES];
    if (!saga_logical_is_time(logical)) {
        int size = snprintf(text, sizeof text, "%" PRId64, value);
        saga_buffer_append(&d->walk.out, text, (size_t)size);
        return true;
    }
    if (saga_logical_format(logical, value, text) < 0)
        return REFUSE(d, place, "%" PRId64 " is outside of what %s can say", value,
                      saga_logical_example(logical));
    add_quoted(d, saga_slice_of(text));
    return true;
}

static bool add_double(struct decoding *d, place_t place, double value)
{
    return saga_double_write(value, &d->walk.out) == SAGA_OK ||
           REFUSE(d, place, "NaN or infinite, which no JSON number can be");
}

static bool add_float(struct decoding *d, place_t place, float value)
{
    return saga_float_write(value, &d->walk.out) == SAGA_OK ||
           REFUSE(d, place, "NaN or infinite, which no JSON number can be");
}

static void add_uuid(struct decoding *d, struct saga_slice bytes)
{
    char hex[33], text[37];
    saga_hex((const uint8_t *)bytes.data, 16, hex);
    snprintf(text, sizeof text, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
    add_quoted(d, saga_slice_of(text));
}

static void add_duration(struct decoding *d, struct saga_slice bytes)
{
    static const char *const names[] = { "{\"months\":", ",\"days\":", ",\"millis\":" };
    for (size_t part = 0; part < 3; part++) {
        uint32_t value = 0;
        for (size_t i = 4; i-- > 0;) value = value << 8 | (uint8_t)bytes.data[part * 4 + i];
        saga_buffer_printf(&d->walk.out, "%s%" PRIu32, names[part], value);
    }
    saga_buffer_add_char(&d->walk.out, '}');
}

static bool add_bytes(struct decoding *d, place_t place, schema_t meaning, struct saga_slice bytes)
{
    switch (meaning->logical) {
    case SAGA_LOGICAL_DECIMAL:
        return saga_decimal_write(bytes, meaning->precision, meaning->scale, &d->walk.out) ==
                   SAGA_OK ||
               REFUSE(d, place, "%zu bytes that are no decimal of %u digits", bytes.size,
                      meaning->precision);
    case SAGA_LOGICAL_UUID: add_uuid(d, bytes); return true;
    case SAGA_LOGICAL_DURATION: add_duration(d, bytes); return true;
    default: add_quoted(d, saga_base64(bytes, d->walk.arena)); return true;
    }
}

/* ---- resolving ---- */

/* Whose logical type says what a value means. The reader's says in which form it is wanted; but unit and scale of the
 * bytes are the writer's, where both mean the same sort of thing. */
static schema_t meaning_of(schema_t writer, schema_t reader)
{
    if (reader->logical == SAGA_LOGICAL_NONE || writer == reader) return reader;
    bool same = writer->logical == reader->logical ||
                saga_logical_is_same_family(writer->logical, reader->logical);
    return same && writer->kind == reader->kind ? writer : reader;
}

static bool mismatch(struct decoding *d, schema_t writer, schema_t reader, place_t place)
{
    struct saga_slice wrote = saga_schema_words(writer, d->walk.arena),
                      wanted = saga_schema_words(reader, d->walk.arena);
    return REFUSE(d, place, "the writer's schema has %.*s here, which cannot be read as %.*s",
                  SAGA_SLICE_ARG(wrote), SAGA_SLICE_ARG(wanted));
}

/* The branch of the reader's union that fits a writer's type best, of equals the first; NULL: none. */
static schema_t branch_for(schema_t writer, schema_t reader)
{
    schema_t best = NULL;
    int best_match = 0;
    for (size_t i = 0; i < reader->branch_count; i++) {
        int match = saga_schema_match(writer, reader->branches[i]);
        if (match > best_match) {
            best_match = match;
            best = reader->branches[i];
        }
    }
    return best;
}

/* ---- the kinds ---- */

static bool decode_whole(struct decoding *d, schema_t writer, schema_t reader, place_t place)
{
    int64_t value;
    bool narrow = writer->kind == SAGA_SCHEMA_INT;
    if (narrow ? !saga_decode_int(d, place, &value) : !saga_decode_long(d, place, &value))
        return false;
    /* promoted to float or double it keeps its digits: JSON has one kind of numbers */
    return add_whole(d, place, meaning_of(writer, reader)->logical, value);
}

static bool decode_float(struct decoding *d, schema_t reader, place_t place)
{
    uint64_t bits;
    float value;
    if (!saga_decode_bits(d, place, 4, &bits)) return false;
    uint32_t narrow = (uint32_t)bits;
    memcpy(&value, &narrow, sizeof value);
    return reader->kind == SAGA_SCHEMA_FLOAT ? add_float(d, place, value)
                                             : add_double(d, place, (double)value);
}

static bool decode_double(struct decoding *d, place_t place)
{
    uint64_t bits;
    double value;
    if (!saga_decode_bits(d, place, 8, &bits)) return false;
    memcpy(&value, &bits, sizeof value);
    return add_double(d, place, value);
}

static bool decode_enum(struct decoding *d, schema_t writer, schema_t reader, place_t place)
{
    size_t index;
    if (!saga_decode_index(d, place, writer->symbols.count, "symbol", &index)) return false;
    struct saga_slice symbol = writer->symbols.items[index];
    for (size_t i = 0; i < reader->symbols.count; i++)
        if (saga_slice_equal(reader->symbols.items[i], symbol)) {
            add_quoted(d, symbol);
            return true;
        }
    if (!reader->symbol_default.size)
        return REFUSE(d, place, "%.*s is no symbol of %.*s, which has no default",
                      SAGA_SLICE_ARG(symbol), SAGA_SLICE_ARG(reader->name));
    add_quoted(d, reader->symbol_default);
    return true;
}

static bool decode_array(struct decoding *d, schema_t writer, schema_t reader, place_t place)
{
    struct saga_place_in_body inside = { .up = place };
    uint64_t count;
    add(d, "[");
    while (true) {
        if (!saga_decode_block(d, place, &count)) return false;
        if (count == 0) break;
        for (uint64_t i = 0; i < count; i++, inside.index++) {
            if (inside.index) add(d, ",");
            if (!decode(d, writer->item, reader->item, &inside)) return false;
        }
    }
    add(d, "]");
    return true;
}

static bool decode_map(struct decoding *d, schema_t writer, schema_t reader, place_t place)
{
    uint64_t count;
    bool first = true;
    add(d, "{");
    while (true) {
        if (!saga_decode_block(d, place, &count)) return false;
        if (count == 0) break;
        for (uint64_t i = 0; i < count; i++, first = false) {
            struct saga_place_in_body inside = { .up = place };
            if (!saga_decode_sized(d, place, &inside.name)) return false;
            if (!first) add(d, ",");
            if (!add_text(d, place, inside.name)) return false;
            add(d, ":");
            if (!decode(d, writer->item, reader->item, &inside)) return false;
        }
    }
    add(d, "}");
    return true;
}

static void add_name(struct decoding *d, struct saga_slice name, bool *first)
{
    if (!*first) add(d, ",");
    *first = false;
    add_quoted(d, name);
    add(d, ":");
}

/* A field that the writer does not know: the reader's default, as its bytes. */
static bool decode_default(struct decoding *d, const struct saga_schema_field *field, place_t place)
{
    if (!field->default_bytes.data)
        return REFUSE(d, place, "the writer's schema has no such field, and it has no default");
    const uint8_t *at = d->at, *end = d->end;
    d->at = (const uint8_t *)field->default_bytes.data;
    d->end = d->at + field->default_bytes.size;
    bool good = decode(d, field->type, field->type, place);
    d->at = at;
    d->end = end;
    return good;
}

static void mark(uint64_t *bits, size_t index)
{
    bits[index / 64] |= UINT64_C(1) << index % 64;
}

static bool is_marked(const uint64_t *bits, size_t index)
{
    return bits[index / 64] >> index % 64 & 1;
}

static bool decode_record(struct decoding *d, schema_t writer, schema_t reader, place_t place)
{
    bool first = true, same = writer == reader;
    uint64_t written[SAGA_SCHEMA_MEMBERS_MAX / 64] = { 0 }; /* the reader's fields, a bit each */
    add(d, "{");
    for (size_t i = 0; i < writer->field_count; i++) {
        const struct saga_schema_field *from = &writer->fields[i],
                                       *to =
                                           same ? from : saga_schema_field_read(reader, from->name);
        struct saga_place_in_body inside = { place, to ? to->name : from->name, 0 };
        if (to) {
            add_name(d, to->name, &first);
            if (!same) mark(written, (size_t)(to - reader->fields));
        }
        if (to ? !decode(d, from->type, to->type, &inside) : !skip(d, from->type, &inside))
            return false;
    }
    for (size_t i = 0; !same && i < reader->field_count; i++) {
        struct saga_place_in_body inside = { place, reader->fields[i].name, 0 };
        if (is_marked(written, i)) continue;
        add_name(d, reader->fields[i].name, &first);
        if (!decode_default(d, &reader->fields[i], &inside)) return false;
    }
    add(d, "}");
    return true;
}

static bool decode_kind(struct decoding *d, schema_t writer, schema_t reader, place_t place)
{
    struct saga_slice bytes;
    bool truth;
    switch (writer->kind) {
    case SAGA_SCHEMA_NULL: add(d, "null"); return true;
    case SAGA_SCHEMA_BOOLEAN:
        if (!saga_decode_boolean(d, place, &truth)) return false;
        add(d, truth ? "true" : "false");
        return true;
    case SAGA_SCHEMA_INT:
    case SAGA_SCHEMA_LONG: return decode_whole(d, writer, reader, place);
    case SAGA_SCHEMA_FLOAT: return decode_float(d, reader, place);
    case SAGA_SCHEMA_DOUBLE: return decode_double(d, place);
    case SAGA_SCHEMA_BYTES:
    case SAGA_SCHEMA_STRING:
        if (!saga_decode_sized(d, place, &bytes)) return false;
        return reader->kind == SAGA_SCHEMA_STRING
                   ? add_text(d, place, bytes)
                   : add_bytes(d, place, meaning_of(writer, reader), bytes);
    case SAGA_SCHEMA_FIXED:
        return saga_decode_bytes(d, place, writer->size, &bytes) &&
               add_bytes(d, place, meaning_of(writer, reader), bytes);
    case SAGA_SCHEMA_ENUM: return decode_enum(d, writer, reader, place);
    case SAGA_SCHEMA_ARRAY: return decode_array(d, writer, reader, place);
    case SAGA_SCHEMA_MAP: return decode_map(d, writer, reader, place);
    case SAGA_SCHEMA_RECORD: return decode_record(d, writer, reader, place);
    case SAGA_SCHEMA_UNION: break;
    }
    return false;
}

static bool resolve(struct decoding *d, schema_t writer, schema_t reader, place_t place)
{
    size_t index;
    if (writer->kind == SAGA_SCHEMA_UNION) {
        if (!saga_decode_index(d, place, writer->branch_count, "branch", &index)) return false;
        schema_t branch = writer->branches[index];
        return decode(d, branch, writer == reader ? branch : reader, place);
    }
    if (writer == reader) return decode_kind(d, writer, reader, place);
    if (reader->kind == SAGA_SCHEMA_UNION) {
        schema_t branch = branch_for(writer, reader);
        return branch ? decode(d, writer, branch, place) : mismatch(d, writer, reader, place);
    }
    return saga_schema_match(writer, reader) ? decode_kind(d, writer, reader, place)
                                             : mismatch(d, writer, reader, place);
}

static bool decode(struct decoding *d, schema_t writer, schema_t reader, place_t place)
{
    if (!saga_body_enter(&d->walk, place, 1)) return false;
    bool good = resolve(d, writer, reader, place);
    saga_body_leave(&d->walk);
    return good;
}

/* ---- what the reader does not want ---- */

static bool skip_blocks(struct decoding *d, schema_t item, bool keyed, place_t place)
{
    struct saga_slice key;
    uint64_t count;
    do {
        if (!saga_decode_block(d, place, &count)) return false;
        for (uint64_t i = 0; i < count; i++)
            if ((keyed && !saga_decode_sized(d, place, &key)) || !skip(d, item, place))
                return false;
    } while (count);
    return true;
}

static bool skip_kind(struct decoding *d, schema_t writer, place_t place)
{
    struct saga_slice bytes;
    int64_t number;
    size_t index;
    bool truth;
    switch (writer->kind) {
    case SAGA_SCHEMA_NULL: return true;
    case SAGA_SCHEMA_BOOLEAN: return saga_decode_boolean(d, place, &truth);
    case SAGA_SCHEMA_INT: return saga_decode_int(d, place, &number);
    case SAGA_SCHEMA_LONG: return saga_decode_long(d, place, &number);
    case SAGA_SCHEMA_FLOAT: return saga_decode_bytes(d, place, 4, &bytes);
    case SAGA_SCHEMA_DOUBLE: return saga_decode_bytes(d, place, 8, &bytes);
    case SAGA_SCHEMA_BYTES:
    case SAGA_SCHEMA_STRING: return saga_decode_sized(d, place, &bytes);
    case SAGA_SCHEMA_FIXED: return saga_decode_bytes(d, place, writer->size, &bytes);
    case SAGA_SCHEMA_ENUM:
        return saga_decode_index(d, place, writer->symbols.count, "symbol", &index);
    case SAGA_SCHEMA_ARRAY: return skip_blocks(d, writer->item, false, place);
    case SAGA_SCHEMA_MAP: return skip_blocks(d, writer->item, true, place);
    case SAGA_SCHEMA_UNION:
        return saga_decode_index(d, place, writer->branch_count, "branch", &index) &&
               skip(d, writer->branches[index], place);
    case SAGA_SCHEMA_RECORD: break;
    }
    for (size_t i = 0; i < writer->field_count; i++)
        if (!skip(d, writer->fields[i].type, place)) return false;
    return true;
}

static bool skip(struct decoding *d, schema_t writer, place_t place)
{
    if (!saga_body_enter(&d->walk, place, 1)) return false;
    bool good = skip_kind(d, writer, place);
    saga_body_leave(&d->walk);
    return good;
}

int saga_schema_decode(const struct saga_schema *writer, const struct saga_schema *reader,
                       struct saga_slice *bytes, struct saga_arena *arena,
                       struct saga_slice *ret_json, struct saga_slice *ret_words)
{
    const uint8_t *from = (const uint8_t *)bytes->data;
    struct decoding d = { .at = from, .end = from + bytes->size };
    saga_body_walk_init(&d.walk, arena);
    bool good = decode(&d, writer, reader, NULL);
    if (good && d.walk.out.size > d.walk.out_max)
        good = saga_body_refuse(&d.walk, SAGA_E_LIMIT, NULL,
                                "as JSON it would be over the limit of %zu bytes", d.walk.out_max);
    if (!good) {
        *ret_words = d.walk.words;
        return d.walk.error;
    }
    *bytes = saga_slice_skip(*bytes, (size_t)(d.at - from));
    *ret_json = saga_buffer_slice(&d.walk.out);
    return SAGA_OK;
}
