"""Who a resident is: signing in and staying so, one person in several mini-programs, telephone, consents."""
