"""Someone else's refusal on this machine: a ticket from a capture, played and compared."""
