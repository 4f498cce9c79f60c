"""What came of a search: the facts, computed once (``summarize``), and what renders them (``text``)."""
