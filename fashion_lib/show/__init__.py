"""How the course's figures look, and whether what they show can be read. No number is made here."""
