"""What the tests share: the running server, clients whose every answer is checked, and plain HTTP."""
