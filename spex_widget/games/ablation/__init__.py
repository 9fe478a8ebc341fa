"""What happens to the tokens of an ablated player."""
