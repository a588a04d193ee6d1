"""Photos: taken in, made harmless, kept, shown by short-lived addresses, and thrown away when nobody needs them."""
