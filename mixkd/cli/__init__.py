"""The command `mixkd`: it parses and prints."""
