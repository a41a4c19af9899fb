"""Tests of documents made from records."""
