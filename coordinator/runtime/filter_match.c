/* Whether a saga is one of those that a filter means. */
#include <ctype.h>

#include "base/assert.h"
#include "codec/sealed.h"
#include "engine/places.h"
#include "runtime/filter.h"

/* ASCII without case; anything else as it is. */
static bool contains(struct saga_slice text, struct saga_slice part)
{
    for (size_t i = 0; i + part.size <= text.size; i++) {
        size_t k = 0;
        while (k < part.size &&
               tolower((unsigned char)text.data[i + k]) == tolower((unsigned char)part.data[k]))
            k++;
        if (k == part.size) return true;
    }
    return false;
}

/* ---- steps ---- */

static bool stands_at(const struct saga_state *state, struct saga_slice name,
                      bool (*fits)(struct saga_slice place, struct saga_slice name))
{
    struct saga_slice place;
    size_t at = 0;
    while ((place = saga_place_next(state, &at)).data)
        if (fits(place, name)) return true;
    return false;
}

bool saga_filter_is_at(const struct saga_state *state, struct saga_slice step)
{
    return stands_at(state, step, saga_slice_equal);
}

bool saga_filter_has_error(const struct saga_state *state, struct saga_slice part)
{
    return (state->has_error &&
            (contains(state->error.type, part) || contains(state->error.message, part))) ||
           contains(state->stuck_message, part);
}

bool saga_filter_may_have_error(struct saga_slice texts, struct saga_slice part)
{
    return contains(texts, part) || contains(texts, SAGA_SLICE(SAGA_SEALED_TEXT));
}

bool saga_filter_may_have_errors(const struct saga_filter *filter, struct saga_slice texts)
{
    for (size_t i = 0; i < filter->count; i++) {
        const struct saga_filter_term *term = &filter->terms[i];
        bool holds_or_is = term->test == SAGA_FILTER_HOLDS || term->test == SAGA_FILTER_IS;
        if (term->subject == SAGA_FILTER_ERROR && holds_or_is &&
            !saga_filter_may_have_error(texts, term->text))
            return false;
    }
    return true;
}

/* ---- terms ---- */

static bool is_text(const struct saga_filter_term *term, struct saga_slice is)
{
    bool holds = term->test == SAGA_FILTER_HOLDS || term->test == SAGA_FILTER_HOLDS_NOT;
    return holds ? contains(is, term->text) : saga_slice_equal(is, term->text);
}

static bool is_at(const struct saga_filter_term *term, const struct saga_state *state)
{
    bool holds = term->test == SAGA_FILTER_HOLDS || term->test == SAGA_FILTER_HOLDS_NOT;
    return stands_at(state, term->text, holds ? contains : saga_slice_equal);
}

static bool has_error(const struct saga_filter_term *term, const struct saga_state *state)
{
    if (term->test == SAGA_FILTER_HOLDS || term->test == SAGA_FILTER_HOLDS_NOT)
        return saga_filter_has_error(state, term->text);
    return state->has_error && saga_slice_equal(state->error.type, term->text);
}

static bool has_search_value(const struct saga_filter_term *term, const struct saga_state *state)
{
    for (size_t i = 0; i < state->search_count; i++)
        if (saga_slice_equal(state->search[i].name, term->attribute) &&
            saga_slice_equal(state->search[i].value, term->text))
            return true;
    return false;
}

static bool is_number(const struct saga_filter_term *term, int64_t is)
{
    switch (term->test) {
    case SAGA_FILTER_BELOW: return is < term->number;
    case SAGA_FILTER_BELOW_OR_AT: return is <= term->number;
    case SAGA_FILTER_ABOVE: return is > term->number;
    case SAGA_FILTER_ABOVE_OR_AT: return is >= term->number;
    default: return is == term->number;
    }
}

static bool holds(const struct saga_filter_term *term, const struct saga_state *state)
{
    switch (term->subject) {
    case SAGA_FILTER_DEFINITION: return is_text(term, state->name);
    case SAGA_FILTER_VERSION: return is_number(term, state->version);
    case SAGA_FILTER_KEY: return is_text(term, state->key);
    case SAGA_FILTER_STATUS: return is_number(term, (int64_t)state->status);
    case SAGA_FILTER_STEP: return is_at(term, state);
    case SAGA_FILTER_ERROR: return has_error(term, state);
    case SAGA_FILTER_PAUSED: return is_number(term, state->paused);
    case SAGA_FILTER_CHANGED: return is_number(term, state->changed_ms);
    case SAGA_FILTER_STARTED: return is_number(term, state->started_ms);
    case SAGA_FILTER_SEARCH: return has_search_value(term, state);
    case SAGA_FILTER_SUBJECTS: break;
    }
    SAGA_ASSERT(!"a subject of a filter");
}

static bool is_denied(const struct saga_filter_term *term)
{
    return term->test == SAGA_FILTER_IS_NOT || term->test == SAGA_FILTER_HOLDS_NOT;
}

bool saga_filter_matches(const struct saga_filter *filter, const struct saga_state *state)
{
    for (size_t i = 0; i < filter->count; i++)
        if (holds(&filter->terms[i], state) == is_denied(&filter->terms[i])) return false;
    return true;
}

/* Is it about what stands in the state's lists? */
static bool is_of_lists(const struct saga_filter_term *term)
{
    return term->subject == SAGA_FILTER_STEP || term->subject == SAGA_FILTER_SEARCH;
}

bool saga_filter_may_match(const struct saga_filter *filter, const struct saga_state *state)
{
    for (size_t i = 0; i < filter->count; i++) {
        const struct saga_filter_term *term = &filter->terms[i];
        if (!is_of_lists(term) && holds(term, state) == is_denied(term)) return false;
    }
    return true;
}

/* ---- indexes ---- */

static bool narrow_to(struct saga_slice *index, struct saga_slice text)
{
    if (index->data && !saga_slice_equal(*index, text)) return false;
    *index = text;
    return true;
}

static bool narrow_version(struct saga_view_page *page, int64_t version)
{
    if (page->version && page->version != version) return false;
    page->version = (uint32_t)version;
    return true;
}

/* One of several steps is enough: what matches stays a matter of the states. */
static void narrow_to_lists(const struct saga_filter_term *term, struct saga_view_page *page)
{
    bool holds_or_is = term->test == SAGA_FILTER_HOLDS || term->test == SAGA_FILTER_IS;
    if (term->subject == SAGA_FILTER_ERROR && holds_or_is) page->has_error = true;
    if (term->subject == SAGA_FILTER_STEP && term->test == SAGA_FILTER_IS && !page->step.data)
        page->step = term->text;
}

/* A saga came to its status before something last happened to it, or then. */
static void narrow_time(const struct saga_filter_term *term, struct saga_view_page *page)
{
    int64_t until_ms = term->test == SAGA_FILTER_BELOW         ? term->number
                       : term->test == SAGA_FILTER_BELOW_OR_AT ? term->number + 1
                                                               : INT64_MAX;
    if (until_ms < page->until_ms) page->until_ms = until_ms;
}

bool saga_filter_narrow(const struct saga_filter *filter, struct saga_arena *arena,
                        struct saga_view_page *page)
{
    struct saga_slice *search =
        SAGA_NEW_ARRAY(arena, struct saga_slice, page->search_count + filter->count);
    size_t searches = page->search_count;
    bool can = true;
    if (searches) memcpy(search, page->search, searches * sizeof *search);
    for (size_t i = 0; i < filter->count && can; i++) {
        const struct saga_filter_term *term = &filter->terms[i];
        if (term->subject == SAGA_FILTER_CHANGED) narrow_time(term, page);
        narrow_to_lists(term, page);
        if (term->test != SAGA_FILTER_IS) continue;
        if (term->subject == SAGA_FILTER_DEFINITION) can = narrow_to(&page->name, term->text);
        if (term->subject == SAGA_FILTER_STATUS) can = narrow_to(&page->status, term->text);
        if (term->subject == SAGA_FILTER_VERSION) can = narrow_version(page, term->number);
        if (term->subject == SAGA_FILTER_SEARCH)
            search[searches++] = saga_arena_join(arena, term->attribute, ':', term->text);
    }
    page->search = search;
    page->search_count = searches;
    return can;
}
