"""The page of ``taut play``: what a browser is sent."""
