"""The words of the desk, and the language in which a reader is answered."""

from archiver.text.messages import LANGUAGES, Messages, load_messages


def messages(language: str) -> Messages:
    """The words of the desk in that language. KeyError for one that is not spoken."""
    return load_messages("archiver.web", language)


def spoken(chosen: str | None, accepted: str | None, configured: str | None) -> str:
    """The language of a page: the reader's choice, else the configured, else the browser's."""
    for wish in (chosen, configured):
        if wish in LANGUAGES:
            return str(wish)
    for wish in _by_weight(accepted or ""):
        if wish in LANGUAGES:
            return wish
    return next(iter(LANGUAGES))


def _by_weight(accepted: str) -> list[str]:
    """The languages of an `Accept-Language`, the most wanted first; at most ten are looked at."""
    wishes: list[tuple[float, str]] = []
    for part in accepted[:200].split(",")[:10]:
        tag, _, weight = part.partition(";")
        try:
            wanted = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if wanted > 0:
            wishes.append((-wanted, tag.strip().lower().partition("-")[0]))
    return [tag for _, tag in sorted(wishes, key=lambda wish: wish[0])]
