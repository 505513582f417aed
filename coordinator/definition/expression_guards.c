/* What stands before a source that jq 1.6 could be stopped or held up for ever with, or that later versions of jq
 * would read differently: definitions of the same names which leave those cases out. They use nothing that only one
 * version has, and they are one line, so that jq's line numbers stay. */
#include "base/buffer.h"
#include "definition/expression_internal.h"

struct guard {
    const char *words[10]; /* any of these, as a word or an operator */
    const char *definitions;
};

/* A remainder by -1 of what fits no whole number of the machine is a trap of the processor. */
static const char remainder_definitions[] =
    "def saga_mod(a; b): _mod(a; b); "
    "def _mod(a; b): b as $b | a as $a"
    " | if ($a|type) == \"number\" and ($b|type) == \"number\" and $b <= -1 and $b > -2 then 0"
    " else saga_mod($a; $b) end; ";

/* With a number, a time out of range or a format that is no text fails an assertion. */
static const char time_definitions[] =
    "def saga_strftime(f): strftime(f); "
    "def strftime(f): f as $f"
    " | (if type == \"number\" then gmtime else . end) | saga_strftime($f); "
    "def todateiso8601: strftime(\"%Y-%m-%dT%H:%M:%SZ\"); "
    "def todate: todateiso8601; def date: todate; ";

/* A text whose digits no double holds would become another number. "nan" would become what no comparison holds for,
 * and slicing by that fails an assertion. */
static const char number_definitions[] =
    "def saga_digits: [match(\"^[^eE]*\").string | explode[] | select(. >= 48 and . <= 57)]"
    " | implode | sub(\"^0+\"; \"\") | sub(\"0+$\"; \"\"); "
    "def saga_tonumber: tonumber; "
    "def tonumber: . as $text | saga_tonumber"
    " | if ($text|type) != \"string\" then ."
    " elif isnan then error(\"nan is not a number\")"
    " else (. + 0) as $number | if ($number|tojson|saga_digits) == ($text|saga_digits) then $number"
    " else error(\"the number \\($text) has more digits than jq computes with; keep it as a text\")"
    " end end; ";

/* Looking for an empty text never ends. */
static const char index_definitions[] =
    "def saga_indices($i): indices($i); "
    "def indices($i): if $i == \"\" then null else saga_indices($i) end; "
    "def index($i): indices($i) | .[0]; "
    "def rindex($i): indices($i) | .[-1:][0]; ";

/* With the flag g, empty matches never end, or are looked for inside of a character: the flag n leaves them out. */
static const char match_definitions[] =
    "def saga_match(re; f): match(re; f); "
    "def match(re; f): re as $re | f as $f"
    " | saga_match($re; if ($f|type) == \"string\" and ($f|contains(\"g\"))"
    " then $f + \"n\" else $f end); "
    "def match($v): if ($v|type) == \"array\" then match($v[0]; $v[1]) else match($v; null) end; "
    "def saga_named: [.captures[] | select(.name != null) | {(.name): .string}] | add // {}; "
    "def capture(re; f): match(re; f) | saga_named; "
    "def capture($v): match($v) | saga_named; "
    "def scan($re; $f): match($re; \"g\" + $f)"
    " | if (.captures|length) > 0 then [.captures[].string] else .string end; "
    "def scan($re): scan($re; null); "
    "def splits($re; $f): . as $text"
    " | [0, (match($re; \"g\" + $f) | .offset, .offset + .length), length] as $at"
    " | range(0; $at|length; 2) | $text[$at[.]:$at[. + 1]]; "
    "def splits($re): splits($re; null); "
    "def split($re; $f): [splits($re; $f)]; "
    "def sub($re; s; $f): . as $text"
    " | reduce match($re; $f) as $m ({at: 0, out: \"\"};"
    " .out += $text[.at:$m.offset] + ($m | saga_named | s) | .at = $m.offset + $m.length)"
    " | .out + $text[.at:]; "
    "def sub($re; s): sub($re; s; \"\"); "
    "def gsub($re; s; $f): sub($re; s; $f + \"g\"); "
    "def gsub($re; s): sub($re; s; \"g\"); ";

static const struct guard guards[] = {
    { { "%", "%=" }, remainder_definitions },
    { { "strftime", "todateiso8601", "todate", "date" }, time_definitions },
    { { "tonumber" }, number_definitions },
    { { "indices", "index", "rindex" }, index_definitions },
    { { "match", "capture", "scan", "split", "splits", "sub", "gsub" }, match_definitions },
};

static bool uses(const struct saga_token *token, const struct guard *guard)
{
    bool word = token->kind == SAGA_TOKEN_IDENT || token->kind == SAGA_TOKEN_PUNCT;
    for (size_t i = 0; word && i < sizeof guard->words / sizeof guard->words[0]; i++)
        if (guard->words[i] && saga_slice_is(token->text, guard->words[i])) return true;
    return false;
}

const char *saga_expression_guard(struct saga_slice source, const struct saga_token *tokens,
                                  struct saga_arena *arena)
{
    struct saga_buffer program;
    saga_buffer_init(&program, arena);
    for (size_t i = 0; i < sizeof guards / sizeof guards[0]; i++) {
        const struct saga_token *token = tokens;
        while (token->kind != SAGA_TOKEN_END && !uses(token, &guards[i])) token++;
        if (token->kind == SAGA_TOKEN_END) continue;
        saga_buffer_add(&program, saga_slice_of(guards[i].definitions));
    }
    saga_buffer_add(&program, source);
    return saga_arena_string(arena, saga_buffer_slice(&program));
}
