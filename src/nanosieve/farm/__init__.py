"""Which farm: from bunch crossing to storage, with what is lost on the way."""
