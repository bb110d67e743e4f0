"""What earlier lessons taught, ready to import: nothing in here is unexplained.

Every definition that a lesson teaches stands here exactly as the lesson wrote it (a test compares
the two); plotting, loading and checking are never taught, only imported. Importing a module does
nothing else.
"""
