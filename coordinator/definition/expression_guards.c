/* What stands before a source that jq 1.6 could be stopped or held up for ever with, that would lose digits, or that later
 * versions of jq would read differently: definitions of the same names which leave those cases out. They use nothing
 * that only one version has, and they are one line, so that jq's line numbers stay. jq's operators are calls of
 * functions (_plus, _less ...), which may be defined anew as any other. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "definition/expression_internal.h"
#include "definition/expression_numbers.h"

struct guard {
    const char *words[10]; /* any of these, as a word or an operator */
    const char *definitions;
};

/* ---- for any data ---- */

/* A remainder by -1 of what fits no whole number of the machine is a trap of the processor. */
static const char remainder_definitions[] =
    "def saga_mod(a; b): _mod(a; b); "
    "def _mod(a; b): b as $b | a as $a"
    " | if ($a|type) == \"number\" and ($b|type) == \"number\" and $b <= -1 and $b > -2 then 0"
    " else saga_mod($a; $b) end; ";

/* From 2^53 on a double is the next one to what was computed, and not always it. What is most often computed is asked
 * for first: a number that is small. */
static const char computed_definition[] =
    "def saga_computed: if . < 9007199254740992 and . > -9007199254740992 then ."
    " elif type == \"number\""
    " then error(\"it computes the number \\(.), and whole numbers from 2^53 on jq does not compute"
    " exactly: pass it on by a plain path, or as a text\") else . end; ";

/* What adds up stands before the new _plus, so that it calls jq's own. */
static const char plus_definitions[] = "def add: reduce .[] as $x (null; . + $x | saga_computed); "
                                       "def saga_plus(a; b): _plus(a; b); "
                                       "def _plus(a; b): saga_plus(a; b) | saga_computed; ";

static const char minus_definitions[] = "def saga_minus(a; b): _minus(a; b); "
                                        "def _minus(a; b): saga_minus(a; b) | saga_computed; ";

/* A text that is repeated may be as long as memory: `input` asks whether this is the process for it. What is less than
 * every text is a number, or is refused by jq. */
static const char times_definitions[] =
    "def saga_times(a; b): b as $b | a as $a"
    " | if $a < \"\" and $b < \"\" then $a * $b | saga_computed"
    " elif ($a|type) == \"string\" or ($b|type) == \"string\" then (input | $a * $b)"
    " else $a * $b end; "
    "def _multiply(a; b): saga_times(a; b); ";

static const char quotient_definitions[] =
    "def saga_quotient(a; b): _divide(a; b); "
    "def _divide(a; b): saga_quotient(a; b) | saga_computed; ";

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
    "def saga_too_long: error(\"the number \\(.) has more digits than jq computes with; keep it as "
    "a"
    " text\"); "
    "def tonumber: if type == \"string\" and length > 64 then .[0:64] + \"...\" | saga_too_long"
    " else . as $text | saga_tonumber"
    " | if ($text|type) != \"string\" then ."
    " elif isnan then error(\"nan is not a number\")"
    " else (. + 0) as $number"
    " | if $number < 9007199254740992 and $number > -9007199254740992"
    " and ($number|tojson|saga_digits) == ($text|saga_digits) then $number"
    " else $text | saga_too_long end end end; ";

/* The same of the numbers inside of a text. Few have any that are long enough to look at one by one; then the texts
 * in it are left out before. */
static const char parse_definitions[] =
    "def saga_fromjson: fromjson; "
    "def saga_outside: [split(\"\\\\\\\\\") | join(\"\") | split(\"\\\\\\\"\") | join(\"\") | "
    "split(\"\\\"\")"
    " | range(0; length; 2) as $i | .[$i]] | join(\" \"); "
    "def saga_check: if test(\"[nN][aA][nN]\") then error(\"nan is not a number\") else"
    " ([match(\"[-+.eE0-9]*[0-9][-+.eE0-9]*\"; \"g\").string | tonumber] | empty) end; "
    "def fromjson: if type == \"string\" and test(\"[0-9][.0-9]{14}|[0-9][eE]|[nN][aA][nN]\")"
    " then (saga_outside | saga_check), saga_fromjson else saga_fromjson end; ";

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

/* ---- for data with numbers that jq cannot hold ---- */

/* What stands before all others then. Its input is [data, texts]; the numbers are those of expression_numbers.h: markers
 * are from 2^1004 to 2^1007, those of fractions from 2^1006 on. */
static const char marks_definitions[] =
    ".[1] as $saga_texts | "
    "def saga_is_marked: type == \"number\" and (. >= 1.7144137714980277e+302"
    " or . <= -1.7144137714980277e+302) and . < 1.3715310171984222e+303"
    " and . > -1.3715310171984222e+303; "
    "def saga_is_fraction: . >= 6.857655085992111e+302 or . <= -6.857655085992111e+302; "
    "def saga_place: if . < 0 then -. else . end"
    " | if saga_is_fraction then . / 1.52270531428125e+287 else . / 3.806763285703125e+286 end"
    " - 4503599627370496; "
    "def saga_text: (if . < 0 then \"-\" else \"\" end) + $saga_texts[saga_place]; "
    "def saga_marks: if type == \"number\" then select(saga_is_marked)"
    " elif type == \"array\" or type == \"object\" then .. | select(saga_is_marked) else empty "
    "end; "
    /* nothing may be computed with one */
    "def saga_exact: ([saga_marks] | if length == 0 then empty else .[0] | saga_text"
    " | error(\"the number \\(.) has more digits than jq computes with; pass it on as it is, or as "
    "a"
    " text\") end), .; "
    /* nothing may be ordered by a fraction */
    "def saga_ordered: ([saga_marks | select(saga_is_fraction)] | if length == 0 then empty"
    " else .[0] | saga_text | error(\"the number \\(.) has more digits than jq compares; pass it "
    "on as"
    " it is, or as a text\") end), .; ";

static const char marked_operators[] =
    "def saga_operands($a; $b): ([$a, $b] | map(numbers) | saga_exact | empty), .; "
    "def saga_sum($a; $b): if ($a|type) == \"number\" and ($b|type) == \"number\""
    " then saga_operands($a; $b) else . end; "
    "def saga_old_plus(a; b): _plus(a; b); "
    "def _plus(a; b): b as $b | a as $a | saga_sum($a; $b) | saga_old_plus($a; $b); "
    "def saga_old_minus(a; b): _minus(a; b); "
    "def _minus(a; b): b as $b | a as $a | saga_sum($a; $b) | saga_old_minus($a; $b); "
    "def saga_old_multiply(a; b): _multiply(a; b); "
    "def _multiply(a; b): b as $b | a as $a | saga_operands($a; $b) | saga_old_multiply($a; $b); "
    "def saga_old_divide(a; b): _divide(a; b); "
    "def _divide(a; b): b as $b | a as $a | saga_operands($a; $b) | saga_old_divide($a; $b); "
    "def saga_old_mod(a; b): _mod(a; b); "
    "def _mod(a; b): b as $b | a as $a | saga_operands($a; $b) | saga_old_mod($a; $b); "
    "def saga_old_negate: -.; def _negate: saga_exact | saga_old_negate; "
    "def saga_old_less(a; b): _less(a; b); "
    "def _less(a; b): b as $b | a as $a | [$a, $b] | saga_ordered | saga_old_less($a; $b); "
    "def saga_old_lesseq(a; b): _lesseq(a; b); "
    "def _lesseq(a; b): b as $b | a as $a | [$a, $b] | saga_ordered | saga_old_lesseq($a; $b); "
    "def saga_old_greater(a; b): _greater(a; b); "
    "def _greater(a; b): b as $b | a as $a | [$a, $b] | saga_ordered | saga_old_greater($a; $b); "
    "def saga_old_greatereq(a; b): _greatereq(a; b); "
    "def _greatereq(a; b): b as $b | a as $a | [$a, $b] | saga_ordered"
    " | saga_old_greatereq($a; $b); ";

static const char marked_functions[] =
    "def saga_old_sort: sort; def sort: saga_ordered | saga_old_sort; "
    "def saga_old_min: min; def min: saga_ordered | saga_old_min; "
    "def saga_old_max: max; def max: saga_ordered | saga_old_max; "
    "def saga_old_unique: unique; def unique: saga_ordered | saga_old_unique; "
    "def saga_sort_by(f): sort_by(f); def sort_by(f): saga_sort_by(f | saga_ordered); "
    "def saga_group_by(f): group_by(f); def group_by(f): saga_group_by(f | saga_ordered); "
    "def saga_unique_by(f): unique_by(f); def unique_by(f): saga_unique_by(f | saga_ordered); "
    "def saga_min_by(f): min_by(f); def min_by(f): saga_min_by(f | saga_ordered); "
    "def saga_max_by(f): max_by(f); def max_by(f): saga_max_by(f | saga_ordered); "
    "def saga_old_length: length; "
    "def length: if type == \"number\" then saga_exact else . end | saga_old_length; "
    "def add: reduce .[] as $x (null; . + $x); ";

/* One becomes its text. */
static const char marked_texts[] =
    "def saga_old_tojson: tojson; "
    "def tojson: if type == \"number\" and saga_is_marked then saga_text elif type == \"array\" "
    "then"
    " \"[\" + (reduce .[] as $x (null; (if . == null then \"\" else . + \",\" end)"
    " + ($x | tojson)) // \"\") + \"]\" elif type == \"object\" then . as $o"
    " | \"{\" + (reduce keys_unsorted[] as $k (null; (if . == null then \"\" else . + \",\" end)"
    " + ($k | saga_old_tojson) + \":\" + ($o[$k] | tojson)) // \"\") + \"}\""
    " else saga_old_tojson end; "
    "def tostring: if type == \"string\" then . else tojson end; "
    "def saga_format(f): format(f); "
    "def format(f): f as $f | if $f == \"text\" then tostring elif $f == \"json\" then tojson"
    " elif type == \"number\" and $f == \"sh\" then tostring"
    " elif $f == \"csv\" or $f == \"tsv\" or type == \"array\" then saga_exact | saga_format($f)"
    " else tostring | saga_format($f) end; "
    "def join($x): reduce .[] as $i (null; (if . == null then \"\" else . + $x end)"
    " + ($i | if type == \"boolean\" or type == \"number\" then tostring else . // \"\" end)) // "
    "\"\"; "
    "def saga_from_entries: from_entries; "
    "def from_entries: ([.[]? | objects | (.key, .k, .name, .Name, .K, .Key)] | map(numbers)"
    " | saga_exact | empty), saga_from_entries; "
    "def with_entries(f): to_entries | map(f) | from_entries; ";

static const char *const marked_definitions[] = { marks_definitions, marked_operators,
                                                  marked_functions, marked_texts };

/* Functions of a number that is not to be a marker, and those whose result may be too large. */
static const char *const exact_functions[] = { "floor", "ceil",   "round",        "trunc",
                                               "fabs",  "sqrt",   "gmtime",       "mktime",
                                               "date",  "todate", "todateiso8601" };
static const char *const large_functions[] = { "exp",  "exp2", "exp10", "pow10",  "expm1",
                                               "sinh", "cosh", "gamma", "lgamma", "tgamma" };
static const char *const large_functions_of_two[] = { "pow", "ldexp", "scalb", "scalbln" };

/* ---- the program ---- */

static const struct guard guards[] = {
    { { "%", "%=" }, remainder_definitions },
    { { "+", "+=", "add" }, plus_definitions },
    { { "-", "-=" }, minus_definitions },
    { { "*", "*=" }, times_definitions },
    { { "/", "/=" }, quotient_definitions },
    { { "strftime", "todateiso8601", "todate", "date" }, time_definitions },
    { { "tonumber", "fromjson" }, number_definitions },
    { { "fromjson" }, parse_definitions },
    { { "indices", "index", "rindex" }, index_definitions },
    { { "match", "capture", "scan", "split", "splits", "sub", "gsub" }, match_definitions },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool has_word(const struct saga_token *token, const char *word)
{
    for (; token->kind != SAGA_TOKEN_END; token++)
        if ((token->kind == SAGA_TOKEN_IDENT || token->kind == SAGA_TOKEN_PUNCT) &&
            saga_slice_is(token->text, word))
            return true;
    return false;
}

static void define(struct saga_buffer *program, const struct saga_token *tokens,
                   const char *const *names, size_t count, const char *format)
{
    for (size_t i = 0; i < count; i++)
        if (has_word(tokens, names[i]))
            saga_buffer_printf(program, format, names[i], names[i], names[i], names[i]);
}

/* Behind the other guards of the same functions. */
static void guard_functions(struct saga_buffer *program, const struct saga_token *tokens,
                            bool marked)
{
    define(program, tokens, large_functions, COUNT(large_functions),
           "def saga_%s: %s; def %s: saga_%s | saga_computed; ");
    define(program, tokens, large_functions_of_two, COUNT(large_functions_of_two),
           "def saga_%s(a; b): %s(a; b); def %s(a; b): saga_%s(a; b) | saga_computed; ");
    if (!marked) return;
    define(program, tokens, exact_functions, COUNT(exact_functions),
           "def saga_only_%s: %s; def %s: saga_exact | saga_only_%s; ");
    if (has_word(tokens, "strftime"))
        saga_buffer_printf(program, "def saga_only_strftime(f): strftime(f); "
                                    "def strftime(f): saga_exact | saga_only_strftime(f); ");
}

const char *saga_expression_guard(struct saga_slice source, const struct saga_token *tokens,
                                  bool marked, struct saga_arena *arena)
{
    struct saga_buffer program;
    saga_buffer_init(&program, arena);
    for (size_t i = 0; marked && i < COUNT(marked_definitions); i++)
        saga_buffer_add(&program, saga_slice_of(marked_definitions[i]));
    saga_buffer_add(&program, saga_slice_of(computed_definition));
    for (size_t i = 0; i < COUNT(guards); i++) {
        bool used = false;
        for (size_t j = 0; j < COUNT(guards[i].words) && guards[i].words[j] && !used; j++)
            used = has_word(tokens, guards[i].words[j]);
        if (used) saga_buffer_add(&program, saga_slice_of(guards[i].definitions));
    }
    guard_functions(&program, tokens, marked);
    if (marked) saga_buffer_add(&program, SAGA_SLICE(".[0] | "));
    saga_buffer_add(&program, source);
    return saga_arena_string(arena, saga_buffer_slice(&program));
}

/* ---- what may be shown to it ---- */

struct scope {
    const struct saga_slice *names;
    size_t count;
    const struct scope *outer;
};

static bool is_own(const struct scope *scope, struct saga_slice name)
{
    for (; scope; scope = scope->outer)
        for (size_t i = 0; i < scope->count; i++)
            if (saga_slice_equal(scope->names[i], name)) return true;
    return false;
}

static bool passes(const struct saga_tree *tree, const struct scope *scope)
{
    bool definition = tree->kind == SAGA_TREE_DEFINITION;
    struct scope inside = { tree->names, tree->name_count, scope };
    struct scope behind = { tree->names, 1, scope };
    const struct saga_word *word = saga_expression_word(tree->text);
    if (tree->kind == SAGA_TREE_CALL && !is_own(scope, tree->text) &&
        (!word || word->numbers == SAGA_NUMBERS_READ))
        return false;
    /* markers stand above all other numbers */
    if (tree->kind == SAGA_TREE_LITERAL &&
        fabs(strtod(tree->text.data, NULL)) >= SAGA_WHOLE_NUMBERS_END)
        return false;
    for (size_t i = 0; i < tree->count; i++)
        if (!passes(tree->children[i], !definition ? scope : i == 0 ? &inside : &behind))
            return false;
    return tree->kind != SAGA_TREE_UNKNOWN;
}

bool saga_expression_passes_numbers(const struct saga_tree *tree)
{
    return tree && passes(tree, NULL);
}

/* jq computes what stands between two literals while it compiles, by no function that could be defined anew. */
static bool fold(const struct saga_tree *tree, double *ret, bool *ret_too_large)
{
    double a, b;
    if (tree->kind == SAGA_TREE_LITERAL) {
        char first = tree->text.data[0];
        *ret = strtod(tree->text.data, NULL);
        return first == '.' || (first >= '0' && first <= '9');
    }
    if (tree->kind != SAGA_TREE_ARITHMETIC || !fold(tree->children[0], &a, ret_too_large) ||
        !fold(tree->children[1], &b, ret_too_large))
        return false;
    switch (tree->text.data[0]) {
    case '+': *ret = a + b; break;
    case '-': *ret = a - b; break;
    case '*': *ret = a * b; break;
    case '/': *ret = a / b; break;
    default: return false;
    }
    if (*ret_too_large || fabs(*ret) < SAGA_WHOLE_NUMBERS_END) return true;
    *ret_too_large = true;
    return true;
}

bool saga_expression_folds(const struct saga_tree *tree, double *ret)
{
    bool too_large = false;
    if (!tree) return false;
    if (fold(tree, ret, &too_large) && too_large) return true;
    for (size_t i = 0; i < tree->count; i++)
        if (saga_expression_folds(tree->children[i], ret)) return true;
    return false;
}
