"""Find: an index of one archive that follows its ledger, and answers within a blink."""
