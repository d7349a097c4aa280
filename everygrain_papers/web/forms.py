"""What a form sends: names and values in UTF-8, no files."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from everygrain_papers.web.rendering import Refusal

MOST_FIELDS = 1000


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields, the last value of each name. Raises Refusal for what cannot be read."""
    parts = [part async for part in request.stream()]
    try:
        pairs = parse_qsl(
            b"".join(parts).decode("utf-8"), keep_blank_values=True, errors="strict",
            max_num_fields=MOST_FIELDS,
        )  # fmt: skip
    except ValueError:
        raise Refusal(
            400, "The form cannot be read: too many fields, or no UTF-8.", "Send it once more."
        ) from None
    return dict(pairs)
