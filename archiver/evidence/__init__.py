"""Signed, stamped and witnessed heads: what lets the archive prove itself to outsiders.

The ledger shows every change by somebody who cannot rewrite all of it. Whoever can write to the
whole archive can forge a new chain, cut the newest segments off, or put an older copy back; the
chain alone cannot show that. A head names its segment, and through it everything before, so it is
enough to have the *head* vouched for from outside:

- **What is signed.** A statement of one line: the format, the archive's id, the number of the
  newest segment, its digest (the head), the moment by our own clock, and the key. The signature is
  Ed25519 over that line, line feed included. A signature over a head covers all segments up to it.
- **What is stamped.** The newest segment itself: the imprint of the RFC 3161 time stamp is its
  SHA-256, which is the head. The authority's clock says when it existed at the latest.
- **What a witness keeps.** The same file of statement and signature, in a place with credentials of
  its own. Its name has the number and the digest, so a listing shows which heads there were.
- **Where it lies.** `_archive/evidence/`, create-only like all else: `keys/` holds public keys and
  the rotation to each, `heads/` statements with their signatures, `stamps/` the answers of the time
  stamp authority. No event names these objects: they are written after the head that they
  concern.
  `archiver verify` knows them by their names and judges them by what they say.
- **When.** After the last segment of a run, while the archive is still locked, and after each
  command that announces something in the ledger. Signing comes first, needs no network and takes
  milliseconds; witnesses and the stamp follow. None of it fails the run: what could not be done is
  reported, and the next head makes up for it, since it covers the earlier ones.
- **By whom.** By the machine that has the private key. Its file lies outside the archive.

What a thief of the storage can do, who can read and write all of the archive but lacks the key and
cannot write to the witnesses:

- change, add or remove anything before the newest signed head: **found**, as `rewritten`,
  `bad-signature`, `foreign-signature` or `not-signed`;
- append segments that look like ours: **found** as `not-signed`, until the next run signs what is
  there, as it cannot tell them from those of another machine;
- put yesterday's copy back, or cut off the newest segments together with their signatures: what is
  left is a whole, signed archive. Signatures alone **do not show it**. Somebody who remembers a
  later head does: a witness, the catalog of the machine that runs, a head that was printed. They
  show `rolled-back` or `tail-cut`;
- remove an old signature or stamp while a later one covers it: **not found**, and all that is lost
  is the moment that it proved.

A rollback, seen by somebody with yesterday's witness, looks like this: the witness has head N, and
the ledger ends before N. When the ledger has another segment N, history was rewritten after the
rollback. The lost segments cannot be made from the witness, but their number and digests are known.

A thief of the key as well can sign any history. So a new key is announced by the old one
(`archiver key rotate`), the announcement names the segment from which the old key counts no more,
and time stamps and witnesses still show what existed before.

Imports `archive` and what lies below. The only place that imports cryptography and rfc3161_client.
"""
