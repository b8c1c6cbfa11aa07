"""Which farm? Designs of trigger farms: what they cost, lose and keep."""
