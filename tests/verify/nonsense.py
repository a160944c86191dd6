"""Lines of a ledger that are no events."""

_CALL = (
    b'{"what":"call","at":"2026-11-03T01:00:00Z","run":"r","callId":%s,"state":"%s","attempts":0%s}'
)

NONSENSE = [
    b"no json",
    b'"a text"',
    b'{"what":"stored"}',
    b'{"what":"stored","at":[],"run":"r","recordId":"x","key":{}}',
    b'{"what":"revised","at":"x","run":"r","recordId":99999999999999999999}',
    b'{"what":"run","at":"x","run":"r","reportKey":"../../etc","reportSha256":"0"}',
    b"[" * 100_000,
    b'\xef\xbb\xbf{"what":"stored","at":"2026-11-03T01:00:00Z","run":"r"}',
    b'{"what":"gone","at":"2026-11-03T01:00:00Z","run":"r","recordId":NaN}',
    b'{"what":"call" no json',
    _CALL % (b"1", b"none", b',"talkSeconds":NaN'),
    _CALL % (b"1", b"flying", b""),
    _CALL % (b"1", b"none\\n", b""),
    _CALL % (b"9223372036854775808", b"none", b""),
    b'{"what":"cursor","at":"2026-11-03T01:00:00Z","run":"r","kind":"order","ids":["x"]}',
    b'{"what":"order-seen","at":"2026-11-03T01:00:00Z","run":"r","orderIds":5}',
]
