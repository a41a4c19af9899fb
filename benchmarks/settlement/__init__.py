"""What a period costs to close, book, pay and explain."""
