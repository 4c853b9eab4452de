"""The reference world: pictures of shapes, answers with planted errors, and a judge that reads the pixels.

Loaded only when a judge of kind `reference`, the server or the generator is asked for.
"""

WORLD = "shapes/1"
"""What an item's field `world` says if this generator drew it."""
