"""Signed, time-stamped and witnessed heads: evidence for outsiders.

The ledger detects every change by someone who cannot rewrite all of it. Anyone with write access to
the whole archive can forge a new chain, remove the newest segments, or restore an older copy; the
chain alone cannot show that. A head identifies its segment, and through it everything before, so it
is enough to prove the *head* from outside:

- **What is signed.** A statement of one line: the format, the archive's id, the number of the
  newest segment, its digest (the head), the time by our own clock, and the key. The signature is
  Ed25519 over that line, line feed included. A signature over a head covers all segments up to it.
- **What is stamped.** The newest segment itself: the imprint of the RFC 3161 time stamp is its
  SHA-256, which is the head. The authority's clock says when it existed at the latest.
- **What a witness keeps.** The same file of statement and signature, in a location with separate
  credentials. Its name has the number and the digest, so a listing shows which heads there were.
- **Where it is stored.** `_archive/evidence/`, create-only like everything else: `keys/` has public
  keys and the rotation to each, `heads/` statements with their signatures, `stamps/` the responses
  of the time stamp authority. No event names these objects: they are written after the head that
  they are about. `archiver verify` recognises them by their names and judges them by their content.
- **When.** After the last segment of a run, while the archive is still locked, and after each
  command that writes to the ledger. Signing comes first, needs no network and takes
  milliseconds; witnesses and the stamp follow. None of it fails the run: failures are reported,
  and the next head closes the gap, since it covers the earlier ones.
- **By whom.** By the machine that has the private key. Its file is outside the archive.

What an attacker can do who can read and write the whole archive, but lacks the key and cannot write
to the witnesses:

- change, add or remove anything before the newest signed head: **found**, as `rewritten`,
  `bad-signature`, `foreign-signature` or `not-signed`;
- append segments that look like ours: **found** as `not-signed`, until the next run signs them, as
  it cannot distinguish them from those of another machine;
- restore yesterday's copy, or remove the newest segments together with their signatures: the rest
  is an intact, signed archive. Signatures alone **do not show it**. A later head kept elsewhere
  does: by a witness, the catalog of the machine that runs, or a printed head. The finding is
  `rolled-back` or `tail-cut`;
- remove an old signature or stamp while a later one covers it: **not found**; only the time that it
  proved is lost.

A rollback shows as follows: the witness has head N, and the ledger ends before N. If the ledger has
a different segment N, the history was rewritten after the rollback. The lost segments cannot be
recovered from the witness, but their numbers and digests are known.

Someone who also has the key can sign any history. So a new key is announced by the old one
(`archiver key rotate`), the announcement gives the segment from which the old key is no longer
valid, and time stamps and witnesses still show what existed before.

Imports `archive` and what is below. The only place that imports cryptography and rfc3161_client.
"""
