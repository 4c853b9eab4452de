"""Put a multimodal judge model under test, in pytest."""
