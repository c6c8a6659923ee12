"""What the account's owner does about rotation: see how the seven logins are, and rotate now.

No secret's value is read here; the functions of the room do that.
"""
