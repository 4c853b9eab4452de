"""The pytest plugin. The only folder that knows pytest."""
