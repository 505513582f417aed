"""The form of an OTLP/HTTP request in JSON (opentelemetry-proto, trace/v1), and what must hold of a saga's trace as a whole.

Written from the protocol, beside the program's own writer. Every function raises Wrong with words."""
import re

SPAN_ID, TRACE_ID = re.compile(r"[0-9a-f]{16}"), re.compile(r"[0-9a-f]{32}")
INT64 = re.compile(r"-?[0-9]{1,19}")
SPAN_FIELDS = {"traceId": str, "spanId": str, "parentSpanId": str, "traceState": str, "name": str, "kind": int, "flags": int,
               "startTimeUnixNano": str, "endTimeUnixNano": str, "attributes": list, "links": list, "status": dict}
NEEDED = {"traceId", "spanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano"}
IS_REMOTE = 0x200


class Wrong(Exception):
    pass


def need(good, *words):
    if not good:
        raise Wrong(" ".join(str(word) for word in words))


def only(what, thing, fields):
    need(isinstance(thing, dict), what, "is no object:", thing)
    for name, value in thing.items():
        need(name in fields, what, "has a field that there is not:", name)
        need(type(value) is fields[name], what, name, "is of another type:", value)


def check_attributes(what, attributes):
    keys = set()
    for attribute in attributes:
        only(what, attribute, {"key": str, "value": dict})
        key, value = attribute["key"], attribute["value"]
        need(key and key not in keys, what, "names an attribute twice, or none:", key)
        keys.add(key)
        need(len(value) == 1, what, key, "has not one value:", value)
        (kind, content), = value.items()
        need(kind in ("stringValue", "intValue"), what, key, "is of a kind that is not used:", kind)
        need(isinstance(content, str), what, key, "is no text:", content)
        need(kind != "intValue" or INT64.fullmatch(content), what, key, "is no number:", content)


def check_id(what, pattern, digits):
    need(pattern.fullmatch(digits) and digits.strip("0"), what, "is no id:", digits)


def check_span(span):
    only("a span", span, SPAN_FIELDS)
    need(NEEDED <= span.keys(), "a span lacks", NEEDED - span.keys())
    what = f"span {span['name']!r} {span['spanId']}"
    check_id(what + " traceId", TRACE_ID, span["traceId"])
    check_id(what + " spanId", SPAN_ID, span["spanId"])
    if "parentSpanId" in span:
        check_id(what + " parentSpanId", SPAN_ID, span["parentSpanId"])
        need(span["parentSpanId"] != span["spanId"], what, "is its own parent")
    need(span["name"], what, "has no name")
    need(1 <= span["kind"] <= 5, what, "is of no kind:", span["kind"])
    for name in ("startTimeUnixNano", "endTimeUnixNano"):
        need(re.fullmatch("[1-9][0-9]{18}", span[name]), what, name, "is no time of these years:", span[name])
    need(int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]), what, "ends before it begins")
    check_attributes(what, span.get("attributes", []))
    for link in span.get("links", []):
        only(what + " link", link, {"traceId": str, "spanId": str})
        check_id(what + " link", TRACE_ID, link["traceId"])
        check_id(what + " link", SPAN_ID, link["spanId"])
    status = span.get("status", {})
    only(what + " status", status, {"code": int})
    need(status.get("code", 0) in (0, 1, 2), what, "has no such status:", status)


def spans_of(request):
    """All spans of a request, whose form is checked."""
    found = []
    only("a request", request, {"resourceSpans": list})
    for of_resource in request["resourceSpans"]:
        only("resourceSpans", of_resource, {"resource": dict, "scopeSpans": list})
        only("resource", of_resource["resource"], {"attributes": list})
        check_attributes("resource", of_resource["resource"]["attributes"])
        names = [a["key"] for a in of_resource["resource"]["attributes"]]
        need("service.name" in names, "the resource has no service.name")
        for of_scope in of_resource["scopeSpans"]:
            only("scopeSpans", of_scope, {"scope": dict, "spans": list})
            only("scope", of_scope["scope"], {"name": str, "version": str})
            need(of_scope["spans"], "scopeSpans without spans")
            for span in of_scope["spans"]:
                check_span(span)
                found.append(span)
    need(found, "a request without spans")
    return found


def attribute(span, key):
    for one in span.get("attributes", []):
        if one["key"] == key:
            return next(iter(one["value"].values()))
    return None


def check_whole(spans):
    """What must hold when everything has ended: ids once, parents there, children within their parents' time."""
    by_id = {}
    for span in spans:
        key = (span["traceId"], span["spanId"])
        need(key not in by_id, "two spans of one id:", by_id.get(key), span)
        by_id[key] = span
    for span in spans:
        parent_id = span.get("parentSpanId")
        is_saga = span["name"].startswith("saga ")
        if not parent_id:
            need(is_saga, "a span without parent that is no saga's:", span)
            continue
        parent = by_id.get((span["traceId"], parent_id))
        if not parent:
            need(is_saga and span.get("flags", 0) & IS_REMOTE, "a span whose parent is not there:", span)
            continue
        start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
        need(int(parent["startTimeUnixNano"]) <= start, "a span that begins before its parent:", span, parent)
        need(end <= int(parent["endTimeUnixNano"]) or span["name"].startswith(("late answer", "compensate saga")),
             "a span that ends after its parent:", span, parent)
    return by_id
