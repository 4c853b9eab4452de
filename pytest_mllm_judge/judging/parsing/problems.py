"""Why a reply holds no verdict: it declined, it was cut off, or it is malformed."""

from __future__ import annotations

import re

from pytest_mllm_judge.judging.parsing.readings import quoted

EDGE = 1_500
"""A judge declines at the beginning of its reply or at its end: so many characters are looked at."""

PICTURE = r"(?:images?|pictures?|photos?|figures?|videos?|visuals?)"
GIVEN = r"(?:provided|attached|included|given|supplied|available|loaded|uploaded)"
_DECLINES = re.compile(
    "|".join(
        (
            r"\b(?:I|we)\s+(?:cannot|can\s?not|can't|won't|will\s+not|could\s?n't|could\s+not|must\s+decline|decline)\b",
            r"\bI(?:\s+am|'m)\s+(?:sorry|unable|not\s+able|incapable|not\s+capable|not\s+(?:allowed|permitted|comfortable))\b",
            rf"\bI\s+(?:do\s+not|don't|did\s+not|didn't)\s+(?:\w+\s+)?(?:see|have)\b[^.\n]{{0,40}}?\b{PICTURE}\b",
            rf"\bI\s+(?:would\s+)?need\b[^.\n]{{0,60}}?\b{PICTURE}\b",
            rf"\b{PICTURE}\b[^.\n]{{0,40}}?(?:\bnot|\bnever|n't)\s+(?:\w+\s+)?{GIVEN}\b",
            rf"\b(?:no|without(?:\s+the)?)\s+(?:\w+\s+)?{PICTURE}\s+(?:\w+\s+){{0,2}}{GIVEN}\b",
            rf"\byou\s+(?:have\s+not|haven't|did\s+not|didn't)\s+\w+\b[^.\n]{{0,40}}?\b{PICTURE}\b",
            rf"\bplease\s+(?:provide|share|upload|attach|send|supply)\b[^.\n]{{0,60}}?\b{PICTURE}\b",
            r"\b(?:impossible|not\s+possible)\s+(?:for\s+me\s+)?to\s+(?:judge|evaluate|assess|compare|rate|rank)\b",
            r"\b(?:as|am)\s+an?\s+(?:AI|text-based|language)[\w -]{0,20}?\s+model\b",
            r"\bI\s+(?:do\s+not|don't)\s+have\s+the\s+(?:ability|capability|capacity)\b",
            r"抱歉|对不起|我(?:无法|不能|没有办法)|无法(?:看到|查看|判断|评价|评估|比较)",
            r"(?:没有|未)(?:提供|看到|收到)[^。\n]{0,10}图",
        )
    ),
    re.I,
)


def declined(text: str) -> str | None:
    """The sentence in which a reply without a verdict declines to judge, or says it sees no image."""
    text = text.replace("’", "'")
    edges = (text,) if len(text) <= 2 * EDGE else (text[:EDGE], text[-EDGE:])
    for edge in edges:
        if match := _DECLINES.search(edge):
            return _sentence(edge, match.start())
    return None


def _sentence(text: str, place: int) -> str:
    start = max(text.rfind(mark, 0, place) for mark in '.!?\n。{"') + 1
    ends = [end for mark in '.!?\n。"' if (end := text.find(mark, place)) >= 0]
    return quoted(text[start : min(ends, default=len(text))].strip(), limit=120)
