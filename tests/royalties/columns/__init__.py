"""The fast close agrees with the obvious one."""
