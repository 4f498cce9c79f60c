"""``taut play``: regularization that can be felt, in a browser, on toy problems or on one's own table.

A server on this machine alone (:mod:`taut.play.server`) holds one :class:`taut.play.session.Session` a page.
A session trains one network at a time, the one that its settings describe, and sends what there is to be
seen of it while it is trained.
"""
