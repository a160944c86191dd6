"""Who uses the desk: users and roles, passwords, sessions, and the door that they come in by."""
