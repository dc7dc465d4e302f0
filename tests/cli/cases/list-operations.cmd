list operations
