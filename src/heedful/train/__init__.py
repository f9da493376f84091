"""From triplets to an encoder that follows: losses, instruction-query attention, the loop, what it leaves behind."""
