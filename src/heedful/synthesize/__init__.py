"""A collection (and a chat model, or none) to triplets that teach a model to heed instructions; audits; converters."""
