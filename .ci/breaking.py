#!/usr/bin/env python3
"""Prints each change from one OpenAPI document to another that can break a caller.

Fails unless every one of them stands, word for word, in a line of the third file, with a reason.
"""

import json
import sys

METHODS = ("get", "put", "post", "delete", "patch", "head")


def main(old_path, new_path, accepted_path):
    with open(old_path) as old, open(new_path) as new, open(accepted_path) as accepted:
        changes = sorted(set(compare(json.load(old), json.load(new))))
        reasons = accepted.read()
    open_changes = [change for change in changes if f"`{change}`:" not in reasons]
    for change in changes:
        print(("BREAKING " if change in open_changes else "accepted ") + change)
    print(f"{len(changes)} breaking changes, {len(open_changes)} without a reason")
    return 1 if open_changes else 0


def compare(old, new):
    for path, methods in old["paths"].items():
        for method in METHODS:
            if method not in methods:
                continue
            name = f"{method.upper()} {path}"
            now = new["paths"].get(path, {}).get(method)
            if now is None:
                yield f"{name}: operation removed"
            else:
                yield from operation(name, methods[method], now, old, new)


def operation(name, before, now, old, new):
    if before.get("operationId") != now.get("operationId"):
        yield f"{name}: operationId changed"
    yield from scopes(name, before, now)
    yield from parameters(name, before, now, old, new)
    yield from bodies(name, before, now, old, new)
    yield from answers(name, before, now, old, new)


def scopes(name, before, now):
    def alternatives(told):
        return [{(k, s) for k, ss in one.items() for s in ss or [""]} for one in told.get("security", [])]

    after = alternatives(now)
    if after and not alternatives(before):
        yield f"{name}: a token is needed"
    for one in alternatives(before):
        if after and not any(needed <= one for needed in after):
            yield f"{name}: {sorted(one)} is not enough any more"


def parameters(name, before, now, old, new):
    known = {(p["in"], p["name"]): p for p in before.get("parameters", [])}
    for parameter in now.get("parameters", []):
        key = (parameter["in"], parameter["name"])
        place = f"{name}: parameter {key[1]}"
        earlier = known.pop(key, None)
        if parameter.get("required") and not (earlier or {}).get("required"):
            yield f"{place} is required now"
        if earlier:
            yield from schema(place, earlier["schema"], parameter["schema"], old, new, True)
    for _, gone in known:
        yield f"{name}: parameter {gone} removed"


def bodies(name, before, now, old, new):
    earlier, later = before.get("requestBody"), now.get("requestBody")
    if later and later.get("required") and not earlier:
        yield f"{name}: a body is required now"
    for media, content in (earlier or {}).get("content", {}).items():
        told = (later or {}).get("content", {}).get(media)
        if told is None:
            yield f"{name}: body {media} is not taken any more"
        else:
            yield from schema(f"{name}: body", content["schema"], told["schema"], old, new, True)


def answers(name, before, now, old, new):
    for status, answer in before["responses"].items():
        later = now["responses"].get(status)
        if later is None:
            # An error that is not met any more breaks nobody.
            if status.startswith("2"):
                yield f"{name}: answer {status} removed"
            continue
        if not status.startswith("2"):
            continue
        for media, content in answer.get("content", {}).items():
            told = later.get("content", {}).get(media)
            if told is None:
                yield f"{name}: answer {status} is not {media} any more"
            else:
                place = f"{name}: answer {status}"
                yield from schema(place, content.get("schema", {}), told.get("schema", {}), old, new, False)
    for status in now["responses"]:
        if status.startswith("2") and status not in before["responses"]:
            yield f"{name}: answers {status} now"


def schema(place, before, now, old, new, sent, seen=()):
    """`sent`: whether callers send it; otherwise they read it."""
    pair = (before.get("$ref"), now.get("$ref"))
    if pair in seen:
        return
    seen = seen + (pair,) if any(pair) else seen
    before, now = resolved(before, old), resolved(now, new)
    yield from types(place, before, now, sent)
    yield from members(place, before, now, old, new, sent, seen)
    if "items" in before and "items" in now:
        yield from schema(f"{place}[]", before["items"], now["items"], old, new, sent, seen)
    for kind in ("oneOf", "anyOf", "allOf"):
        for n, (one, other) in enumerate(zip(before.get(kind, []), now.get(kind, []))):
            yield from schema(f"{place} {kind} {n}", one, other, old, new, sent, seen)
        if len(before.get(kind, [])) > len(now.get(kind, [])) and sent:
            yield f"{place} has fewer alternatives"


def resolved(told, document):
    while "$ref" in told:
        told = document["components"]["schemas"][told["$ref"].rsplit("/", 1)[1]]
    return told


def types(place, before, now, sent):
    def kinds(told):
        kind = told.get("type")
        return set(kind if isinstance(kind, list) else [kind] if kind else [])

    wide, narrow = (kinds(now), kinds(before)) if sent else (kinds(before), kinds(now))
    if wide and not narrow <= wide | ({"integer"} if "number" in wide else set()):
        yield f"{place} has another type"
    was, is_now = before.get("enum"), now.get("enum")
    if sent and is_now and not (was and set(map(str, was)) <= set(map(str, is_now))):
        yield f"{place} takes fewer words"
    if not sent:
        return
    for bound, tighter in (("maxLength", min), ("maximum", min), ("maxItems", min),
                           ("minLength", max), ("minimum", max), ("minItems", max)):
        limit, earlier = now.get(bound), before.get(bound)
        if limit is not None and (earlier is None or limit != earlier and tighter(limit, earlier) == limit):
            yield f"{place} has a tighter {bound}"
    if now.get("pattern") and now["pattern"] != before.get("pattern"):
        yield f"{place} has another pattern"


def members(place, before, now, old, new, sent, seen):
    was, is_now = before.get("properties", {}), now.get("properties", {})
    for name, told in was.items():
        if name not in is_now:
            yield f"{place}.{name} removed"
        else:
            yield from schema(f"{place}.{name}", told, is_now[name], old, new, sent, seen)
    needed_before, needed_now = set(before.get("required", [])), set(now.get("required", []))
    if sent:
        for name in sorted(needed_now - needed_before):
            yield f"{place}.{name} is required now"
    else:
        for name in sorted((needed_before - needed_now) & set(is_now)):
            yield f"{place}.{name} may be missing now"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
