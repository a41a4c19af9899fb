"""What tricks gain: attacks on the payment rule, each through the real close."""
