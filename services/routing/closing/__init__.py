"""Closing a matter: proof, review by others, callback or confirmation, special closures, an answer for every reporter."""
